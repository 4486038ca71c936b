# Run by `cmake --install`: puts the headers of SOURCE's FOLDERS into INCLUDE/thaw. They include each other as
# "folder/file.h"; installed, as <thaw/folder/file.h>, so that INCLUDE is the one folder that a user's compiler searches.
foreach(folder ${FOLDERS})
  file(GLOB_RECURSE headers RELATIVE ${SOURCE} ${SOURCE}/${folder}/*.h)
  list(FILTER headers EXCLUDE REGEX "^kernels/(cpu|cuda|reference)/")
  foreach(header ${headers})
    file(READ ${SOURCE}/${header} text)
    string(REGEX REPLACE "#include \"([a-z_]+/[^\"]+)\"" "#include <thaw/\\1>" text "${text}")
    file(WRITE ${INCLUDE}/thaw/${header} "${text}")
  endforeach()
endforeach()

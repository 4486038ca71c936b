# Everything Thaw is built from. Nothing is downloaded: what is missing is named with the command that installs it.
function(thaw_missing what package)
  message(FATAL_ERROR "${what} is missing: apt install ${package}")
endfunction()

include(${CMAKE_CURRENT_LIST_DIR}/ThawDependencies.cmake)

find_package(CLI11 CONFIG QUIET)
if(NOT TARGET CLI11::CLI11)
  thaw_missing("CLI11" libcli11-dev)
endif()

find_path(THAW_STB_INCLUDE_DIR stb_image_write.h PATH_SUFFIXES stb)
mark_as_advanced(THAW_STB_INCLUDE_DIR)
if(NOT THAW_STB_INCLUDE_DIR)
  thaw_missing("stb_image_write" libstb-dev)
endif()

if(THAW_TESTS)
  find_package(doctest CONFIG QUIET)
  if(NOT TARGET doctest::doctest)
    thaw_missing("doctest (or configure with -DTHAW_TESTS=OFF)" doctest-dev)
  endif()
endif()

# What io/ reads and writes files with. stb's headers do not pass this project's warnings, so they are system headers.
add_library(thaw_io_dependencies INTERFACE)
target_include_directories(thaw_io_dependencies SYSTEM INTERFACE ${THAW_STB_INCLUDE_DIR})
target_link_libraries(thaw_io_dependencies INTERFACE PNG::PNG JPEG::JPEG ZLIB::ZLIB nlohmann_json::nlohmann_json
                                                     fmt::fmt Threads::Threads)

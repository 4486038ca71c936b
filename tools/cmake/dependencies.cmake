# Everything Thaw is built from. Nothing is downloaded: what is missing is named with the command that installs it.
function(thaw_missing what package)
  message(FATAL_ERROR "${what} is missing: apt install ${package}")
endfunction()

if(THAW_CPU)
  find_package(OpenMP COMPONENTS CXX)
  if(NOT OpenMP_CXX_FOUND)
    thaw_missing("OpenMP (or configure with -DTHAW_CPU=OFF)" g++)
  endif()
  find_package(dnnl CONFIG QUIET)
  if(NOT TARGET DNNL::dnnl)
    thaw_missing("oneDNN 2.x (or configure with -DTHAW_CPU=OFF)" libdnnl-dev)
  endif()
endif()

find_package(Threads REQUIRED)

find_package(fmt CONFIG QUIET)
if(NOT TARGET fmt::fmt)
  thaw_missing("fmt" libfmt-dev)
endif()

find_package(nlohmann_json CONFIG QUIET)
if(NOT TARGET nlohmann_json::nlohmann_json)
  thaw_missing("nlohmann-json" nlohmann-json3-dev)
endif()

find_package(CLI11 CONFIG QUIET)
if(NOT TARGET CLI11::CLI11)
  thaw_missing("CLI11" libcli11-dev)
endif()

find_package(ZLIB QUIET)
if(NOT ZLIB_FOUND)
  thaw_missing("zlib" zlib1g-dev)
endif()

find_package(PNG QUIET)
if(NOT PNG_FOUND)
  thaw_missing("libpng" libpng-dev)
endif()

find_package(JPEG QUIET)
if(NOT JPEG_FOUND)
  thaw_missing("libjpeg-turbo" libjpeg-dev)
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

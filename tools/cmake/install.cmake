# Install rules: libraries, headers and the package that find_package(Thaw) finds; tools/CMakeLists.txt
# installs the programs. Thaw::thaw is everything, what the programs are made of included.
include(CMakePackageConfigHelpers)

add_library(thaw INTERFACE)
target_link_libraries(thaw INTERFACE thaw_tools)
add_library(Thaw::thaw ALIAS thaw)
if(THAW_EMULATED)
  return()  # the emulator is for this project's own tests
endif()

set(thaw_exported thaw thaw_kernels thaw_tensor thaw_layers thaw_models thaw_optim thaw_io thaw_tools)
get_target_property(thaw_kernels_links thaw_kernels LINK_LIBRARIES)
foreach(backend thaw_kernels_cpu thaw_kernels_cuda)
  if(backend IN_LIST thaw_kernels_links)
    list(APPEND thaw_exported ${backend})
  endif()
endforeach()
set(THAW_PACKAGE_CPU OFF)
set(THAW_PACKAGE_CUDA OFF)
if(thaw_kernels_cpu IN_LIST thaw_exported)
  set(THAW_PACKAGE_CPU ON)
endif()
if(thaw_kernels_cuda IN_LIST thaw_exported)
  set(THAW_PACKAGE_CUDA ON)
endif()

install(TARGETS ${thaw_exported} EXPORT ThawTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
set(thaw_header_folders kernels tensor layers models optim io)
foreach(folder program network cost evaluate report train)
  list(APPEND thaw_header_folders tools/${folder})
endforeach()
install(CODE "set(SOURCE \"${CMAKE_SOURCE_DIR}\")
set(FOLDERS \"${thaw_header_folders}\")
set(INCLUDE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}\")
include(\"${CMAKE_CURRENT_LIST_DIR}/install_headers.cmake\")")

set(thaw_package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/Thaw)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/ThawConfig.cmake.in ${CMAKE_BINARY_DIR}/ThawConfig.cmake
                              INSTALL_DESTINATION ${thaw_package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/ThawConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/ThawConfig.cmake ${CMAKE_BINARY_DIR}/ThawConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/ThawDependencies.cmake
        DESTINATION ${thaw_package_folder})
install(EXPORT ThawTargets NAMESPACE Thaw:: DESTINATION ${thaw_package_folder})

# The package is tested as its users meet it: installed, found, compiled against and run.
if(THAW_TESTS)
  set(package_flags "")
  if(THAW_SANITIZE)
    set(package_flags "-fsanitize=${THAW_SANITIZE} -fno-omit-frame-pointer")
  endif()
  add_test(NAME library_package
           COMMAND ${CMAKE_SOURCE_DIR}/tests/library/run_package ${CMAKE_BINARY_DIR} ${package_flags})
endif()

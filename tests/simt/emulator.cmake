# Target thaw_cuda_emulated: kernels/cuda compiled by the host compiler against NVIDIA's real headers, with
# fakes of the libraries instead of a GPU. Needs the headers only, no GPU and no nvcc; without them no target is made.
find_package(CUDAToolkit QUIET)
find_path(THAW_CUDA_INCLUDE cuda_runtime.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ENV CUDA_PATH PATH_SUFFIXES include)
find_path(THAW_CUDNN_INCLUDE cudnn_backend.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ENV CUDNN_PATH PATH_SUFFIXES include)
mark_as_advanced(THAW_CUDA_INCLUDE THAW_CUDNN_INCLUDE)
if(NOT THAW_CUDA_INCLUDE OR NOT THAW_CUDNN_INCLUDE)
  return()
endif()

# CUDA's device language for the host compiler. Kernels see one memory through several vector types, as CUDA
# allows: hence no-strict-aliasing.
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
add_library(thaw_device_language INTERFACE)
target_include_directories(thaw_device_language INTERFACE ${root})
target_include_directories(thaw_device_language SYSTEM INTERFACE ${THAW_CUDA_INCLUDE} ${THAW_CUDNN_INCLUDE})
target_compile_options(thaw_device_language INTERFACE -fno-strict-aliasing -Wno-unknown-pragmas
                                                      "SHELL:-include tests/simt/device.h")

# pool_policy.cpp is the device's; the emulator has its own.
file(GLOB kernel_sources CONFIGURE_DEPENDS ${root}/kernels/cuda/*.cu ${root}/kernels/cuda/*.cpp)
list(FILTER kernel_sources EXCLUDE REGEX "/(cuda_absent|pool_policy)\\.cpp$")
file(GLOB emulator_sources CONFIGURE_DEPENDS ${root}/tests/simt/*.cpp)
list(FILTER emulator_sources EXCLUDE REGEX "(_test|/main)\\.cpp$")
set(device_sources ${kernel_sources})
list(FILTER device_sources INCLUDE REGEX "\\.cu$")
# GCC 12 takes arrays that loops over a constant count fill for uninitialised.
# The line tables are for reports of invalid accesses.
set_source_files_properties(${device_sources} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-xc++;-g1;-Wno-maybe-uninitialized")
# ThreadSanitizer must not watch the engine: it switches stacks and acts for many threads.
if(THAW_SANITIZE MATCHES "thread")
  set(engine_sources ${emulator_sources})
  list(FILTER engine_sources EXCLUDE REGEX "/(cublaslt|cudnn)_")
  set_source_files_properties(${engine_sources} PROPERTIES COMPILE_OPTIONS "-fno-sanitize=thread;-DSIMT_TSAN")
endif()

find_package(Threads REQUIRED)
add_library(thaw_cuda_emulated STATIC ${kernel_sources} ${emulator_sources})
target_link_libraries(thaw_cuda_emulated PRIVATE thaw_device_language thaw_flags Threads::Threads)

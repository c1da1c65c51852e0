# A CMake toolchain for components in C: clang with its runtime for wasm32, wasi-libc, and
# wasm-component-ld, which links and makes a component in one step.
#
#   cmake -S . -B build -DCMAKE_TOOLCHAIN_FILE=FOLDER/share/loop/sdk/cmake/wasm32-loop.cmake
#
#   add_executable(hello hello.c)             # hello.wasm: a component whose main() is wasi:cli/run
#   loop_component(hello)
#
# LOOP_WASM_CC and LOOP_COMPONENT_LD name other tools.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

find_program(LOOP_WASM_CC NAMES clang-19 clang-20 clang-21 clang REQUIRED)
if(NOT LOOP_COMPONENT_LD)
    execute_process(COMMAND rustc --print sysroot OUTPUT_VARIABLE _sysroot
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    file(GLOB _beside_rust "${_sysroot}/lib/rustlib/*/bin")
    find_program(LOOP_COMPONENT_LD wasm-component-ld HINTS ${_beside_rust} REQUIRED)
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LOOP_WASM_CC LOOP_COMPONENT_LD)

set(CMAKE_C_COMPILER "${LOOP_WASM_CC}")
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_C_FLAGS_INIT "-Os")
# A reactor: main() would lose its first line (sdk/c/run.c). The stack first: its overflow traps.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-mexec-model=reactor -fuse-ld=${LOOP_COMPONENT_LD} -Wl,--stack-first")
get_filename_component(LOOP_SDK_DIR "${CMAKE_CURRENT_LIST_DIR}/../c" ABSOLUTE)

# What a target gets beside its own sources: main() as wasi:cli/run, the bindings of
# loop:command/http-command, and how a component says its types.
function(loop_component target)
    set_target_properties(${target} PROPERTIES SUFFIX .wasm)
    target_sources(${target} PRIVATE "${LOOP_SDK_DIR}/run.c" "${LOOP_SDK_DIR}/gen/loop.c")
    target_include_directories(${target} PRIVATE "${LOOP_SDK_DIR}")
    target_link_libraries(${target} PRIVATE "${LOOP_SDK_DIR}/gen/loop_component_type.o")
    target_link_options(${target} PRIVATE -O0) # else clang runs a wasm-opt that knows no components
endfunction()

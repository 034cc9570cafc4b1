# Debian's riscv64-unknown-elf-gcc with picolibc, for rv32imc. qemu's board `virt` has its memory at 0x80000000.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv32)
set(CMAKE_C_COMPILER riscv64-unknown-elf-gcc)
set(CMAKE_ASM_COMPILER riscv64-unknown-elf-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_FLAGS_INIT "-march=rv32imc -mabi=ilp32 --specs=picolibc.specs")
set(CMAKE_ASM_FLAGS_INIT "-march=rv32imc -mabi=ilp32")
string(CONCAT CMAKE_EXE_LINKER_FLAGS_INIT
  "--oslib=semihost --crt0=hosted -Wl,--gc-sections "
  "-Wl,--defsym=__flash=0x80000000,--defsym=__flash_size=0x200000 "
  "-Wl,--defsym=__ram=0x80200000,--defsym=__ram_size=0x1000000,--defsym=__stack_size=0x10000")

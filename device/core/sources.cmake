# What a device is built from, for every port: WAMR (below WAMR_ROOT_DIR), the platform layer, and our own files.
set(YG_SOURCE_DIR ${CMAKE_CURRENT_LIST_DIR})
set(WAMR_CORE ${WAMR_ROOT_DIR}/core)
set(WAMR_COMMON ${WAMR_CORE}/iwasm/common)
set(WAMR_ARCH ${WAMR_COMMON}/arch)
set(WAMR_INTERPRETER ${WAMR_CORE}/iwasm/interpreter)
set(WAMR_SHARED ${WAMR_CORE}/shared)
set(WAMR_SOURCES
  ${WAMR_COMMON}/wasm_runtime_common.c ${WAMR_COMMON}/wasm_exec_env.c ${WAMR_COMMON}/wasm_memory.c
  ${WAMR_COMMON}/wasm_native.c ${WAMR_COMMON}/wasm_loader_common.c ${WAMR_COMMON}/wasm_blocking_op.c
  ${WAMR_COMMON}/wasm_c_api.c
  ${WAMR_INTERPRETER}/wasm_interp_classic.c ${WAMR_INTERPRETER}/wasm_loader.c ${WAMR_INTERPRETER}/wasm_runtime.c
  ${WAMR_SHARED}/mem-alloc/mem_alloc.c
  ${WAMR_SHARED}/mem-alloc/ems/ems_alloc.c ${WAMR_SHARED}/mem-alloc/ems/ems_gc.c
  ${WAMR_SHARED}/mem-alloc/ems/ems_hmu.c ${WAMR_SHARED}/mem-alloc/ems/ems_kfc.c
  ${WAMR_SHARED}/utils/bh_assert.c ${WAMR_SHARED}/utils/bh_bitmap.c ${WAMR_SHARED}/utils/bh_common.c
  ${WAMR_SHARED}/utils/bh_hashmap.c ${WAMR_SHARED}/utils/bh_leb128.c ${WAMR_SHARED}/utils/bh_list.c
  ${WAMR_SHARED}/utils/bh_log.c ${WAMR_SHARED}/utils/bh_vector.c)
set(WAMR_PLATFORM ${YG_SOURCE_DIR}/wamr/platform/platform.c)
# The classic interpreter without anything a device doesn't use. Bounds are checked in software on every port, as on the
# device, and unaligned addresses are taken apart, so that what the tests run is what the device runs.
# A switch in place of computed jumps costs time and saves 3.7 KB of code on rv32.
# BLOCK_ADDR_CACHE_SIZE and HMU_NORMAL_NODE_CNT are lists inside the pool, as short as they may be. Of the second: free
# chunks from (count - 1) * 8 bytes on hold a tree node of up to 32 bytes, so fewer than 5 would overrun the pool.
set(WAMR_DEFINITIONS
  BH_MALLOC=wasm_runtime_malloc BH_FREE=wasm_runtime_free
  WASM_ENABLE_INTERP=1 WASM_ENABLE_SHRUNK_MEMORY=1 WASM_ENABLE_INSTRUCTION_METERING=1
  WASM_ENABLE_LOG=0 WASM_ENABLE_QUICK_AOT_ENTRY=0 WASM_ENABLE_CALL_INDIRECT_OVERLONG=0
  WASM_ENABLE_LABELS_AS_VALUES=0
  WASM_DISABLE_HW_BOUND_CHECK=1 WASM_DISABLE_STACK_HW_BOUND_CHECK=1
  WASM_CPU_SUPPORTS_UNALIGNED_ADDR_ACCESS=0 BLOCK_ADDR_CACHE_SIZE=2 HMU_NORMAL_NODE_CNT=6)
set(WAMR_INCLUDES
  ${YG_SOURCE_DIR}/wamr/platform ${WAMR_SHARED}/platform/include ${WAMR_SHARED}/utils ${WAMR_SHARED}/mem-alloc
  ${WAMR_CORE}/iwasm/include ${WAMR_COMMON} ${WAMR_INTERPRETER} ${WAMR_CORE})

set(YG_ADMISSION_SOURCES yg_admission.c yg_instructions.c yg_reader.c)
set(YG_CORE_SOURCES yg_sandbox.c yg_core.c yg_queue.c)
set(YG_WIRE_SOURCES yg_wire.c)
set(YG_SCRIPTS_SOURCES yg_scripts.c yg_script_reports.c yg_store.c yg_payload.c yg_script.c yg_natives.c yg_manifest.c yg_children.c)
set(YG_WHOLE_DEVICE_SOURCES yg_device.c yg_device_send.c yg_device_commands.c yg_messages.c yg_frame.c yg_replay.c
  yg_journal.c yg_kept_file.c yg_settings.c yg_outbox.c yg_monitor.c)
set(YG_UPDATE_SOURCES yg_update.c yg_slots.c yg_release.c yg_sha256.c)
foreach(list ADMISSION CORE WIRE SCRIPTS WHOLE_DEVICE UPDATE)
  list(TRANSFORM YG_${list}_SOURCES PREPEND ${YG_SOURCE_DIR}/)
  list(APPEND YG_DEVICE_SOURCES ${YG_${list}_SOURCES})
endforeach()

/* What the runner can do; `RunnerOperation` of runner.ts has the same numbers. */
#ifndef RUNNER_OPERATIONS_H
#define RUNNER_OPERATIONS_H

typedef enum {
    /* pool bytes, stack bytes, module: starts WAMR and opens the core. */
    OPEN = 1,
    CLOSE = 2,
    IMPORT_KEY = 3,
    SIGN = 4,
    VERIFY = 5,
    SHA256 = 6,
    /* Lengths of the parts, then the data. */
    HASH_PARTS = 7,
    PRICE = 8,
    SPLIT = 9,
    WEIGH = 10,
    UPDATE_QUALITY = 11,
    SCORE = 12,
    /* What a device does with a signed command: verify it, price it, sign the reply. */
    COMMAND = 13,
    /* Signs the message again and again, to be timed from outside. */
    SIGN_REPEATEDLY = 14,
    /* Bytes of the C stack that the deepest request so far took. */
    STACK_USED = 15,
    /* The same with any module that exports `call`, under the policy of a core. */
    LOAD = 16,
    /* Calls it, or the dispatcher of the core, with three i32. */
    CALL = 17,
    /* What admission alone says of a module, under the policy of a core. */
    ADMIT = 18,
    /* Address, bytes: what is there in the memory of the core or of any module. */
    READ_MEMORY = 19,
    /* Instructions, milliseconds: what the calls of the loaded module may take from here on. */
    LIMIT = 20,
    /* How often these bytes are in what a closed core leaves behind: pool, linear memory, C stack. */
    FIND_REMAINS = 21,
    /* Tasks, messages: sends messages from other tasks to this one. */
    TASKS = 22,
    /* Uses the core in another task, which ends the runner. */
    FOREIGN_TASK = 23,
} operation;

#endif

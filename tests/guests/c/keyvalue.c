/* keyvalue: wasi:keyvalue@0.2.0-draft; see keyvalue.h. */
#define KV wasi_keyvalue_0_2_0_draft_
#define KV_NUMBER uint64_t
#include "keyvalue.h"

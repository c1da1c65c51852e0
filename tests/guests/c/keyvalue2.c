/* keyvalue2: wasi:keyvalue@0.2.0-draft2; see keyvalue.h. */
#define KV wasi_keyvalue_0_2_0_draft2_
#define KV_NUMBER int64_t
#include "keyvalue.h"

/*
 * sidecar/types.h: the payloads of PROTOCOL.md's frames as types, to the letter (a test
 * compares), and the structs that they have in C. Included by handshake.c and messages.c.
 */
#ifndef LP_SIDE_TYPES_H
#define LP_SIDE_TYPES_H

#include "abi/wire.h"
#include "engine/type_parse.h"

#define LP_SIDE_TYPE_ERROR "record{code:string,messages:list<string>,hint:option<string>}"
#define LP_SIDE_TYPE_WELCOME                                                                       \
    "record{magic:string,protocols:list<u32>,name:string,version:string,summary:string,"           \
    "dev-only:bool,credit:u32,calls:u32,capabilities:list<string>,"                                \
    "options:list<record{name:string,type:string,values:string,fallback:option<string>,"           \
    "help:string}>,"                                                                               \
    "interfaces:list<record{name:string,version:string,"                                           \
    "functions:list<record{name:string,type:string,implemented:bool}>,resources:list<string>}>}"
#define LP_SIDE_TYPE_START                                                                         \
    "record{protocol:u32,host:string,capabilities:list<string>,credit:u32,shared:u32,"             \
    "log:enum{trace,debug,info,warn,error},deadline:u32,options:list<tuple<string,string>>}"
#define LP_SIDE_TYPE_CALLER                                                                        \
    "record{component:string,identity:string,instance:u64,storage:u64,storage-why:string}"
#define LP_SIDE_TYPE_CALL "tuple<u32,u32,u32,u32,u32>"
#define LP_SIDE_TYPE_NEXT "tuple<u32,u32,u32>"
#define LP_SIDE_TYPE_CANCEL "tuple<enum{interrupted,deadline,stopped},u32>"
#define LP_SIDE_TYPE_DROP "tuple<u32,u32,u64>"
#define LP_SIDE_TYPE_SAVE "tuple<u32,enum{whole,copy,rest}>" /* and RESTORE */
#define LP_SIDE_TYPE_SAVE_OBJECT "tuple<u32,u32,u64>"
#define LP_SIDE_TYPE_RESTORE_OBJECT "tuple<u32,u32>"
#define LP_SIDE_TYPE_LOG                                                                           \
    "record{level:enum{trace,debug,info,warn,error},wall-ms:u64,target:string,message:string,"     \
    "fields:list<record{name:string,value:variant{text(string),integer(s64),number(f64),"          \
    "boolean(bool)}}>}"

struct lp_side_list { /* any list<T> */
    const void *ptr;
    size_t len;
};

struct lp_side_wire_error {
    loop_string code;
    loop_list_string messages;
    loop_option_string hint;
};

struct lp_side_wire_option {
    loop_string name, type, values;
    loop_option_string fallback;
    loop_string help;
};

struct lp_side_wire_function {
    loop_string name, type;
    bool implemented;
};

struct lp_side_wire_interface {
    loop_string name, version;
    struct lp_side_list functions;
    loop_list_string resources;
};

struct lp_side_wire_welcome {
    loop_string magic;
    loop_list_u32 protocols;
    loop_string name, version, summary;
    bool dev_only;
    uint32_t credit, calls;
    loop_list_string capabilities;
    struct lp_side_list options, interfaces;
};

struct lp_side_wire_pair {
    loop_string name, value;
};

struct lp_side_wire_start {
    uint32_t protocol;
    loop_string host;
    loop_list_string capabilities;
    uint32_t credit, shared;
    uint8_t log;
    uint32_t deadline;
    struct lp_side_list options;
};

struct lp_side_wire_caller {
    loop_string component, identity;
    uint64_t instance, storage;
    loop_string storage_why;
};

struct lp_side_wire_field {
    loop_string name;
    struct {
        uint8_t tag;
        union {
            loop_string text;
            int64_t integer;
            double number;
            bool boolean;
        } of;
    } value;
};

struct lp_side_wire_log {
    uint8_t level;
    uint64_t wall_ms;
    loop_string target, message;
    struct lp_side_list fields;
};

/* The plan of one of these types; into the arena. */
loop_error *lp_side_plan(lp_arena *a, const char *type, size_t size,
                         const lp_node **ret) LOOP_MUST_USE;
/* A message of that type into `to` (`size` bytes); what it points to lives in the frame. */
loop_error *lp_side_read(lp_frame *f, const char *type, const uint8_t *data, size_t len,
                         bool more_is_fine, void *to, size_t size) LOOP_MUST_USE;
loop_error *lp_side_write(const char *type, const void *from, size_t size,
                          lp_wire_out *to) LOOP_MUST_USE;
/* Terminated, in the arena, what is below a space as a space. LOOP_UNAVAILABLE over `max` bytes. */
loop_error *lp_side_text(lp_arena *a, loop_string s, size_t max, const char *what,
                         const char **ret) LOOP_MUST_USE;

#endif

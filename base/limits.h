/*
 * base/limits.h: every size that comes from outside has a name here, but for those
 * of the engine (engine/guest.c, engine/src/handles.rs, wit.rs).
 *
 * Reaching one is an error that names it. Raise one only with a test that shows
 * what happens at the new value.
 */
#ifndef LP_LIMITS_H
#define LP_LIMITS_H

#define LP_MAX_COMPONENT_BYTES (256u << 20) /* a component file */
#define LP_MAX_CONFIG_BYTES (1u << 20)      /* loop.yaml or a profile */
#define LP_MAX_CONFIG_DEPTH 32              /* nesting in loop.yaml */
#define LP_MAX_CONFIG_NODES 65536           /* values and keys in loop.yaml */
#define LP_MAX_CONFIG_KEYS 1024             /* keys of one map in loop.yaml */
#define LP_MAX_NAME 256                     /* component, provider, interface and option names */
#define LP_MAX_PATH 4096                    /* a path in configuration or on the command line */
#define LP_MAX_LINKS 40       /* symbolic links on the way to a file that is checked for trust */
#define LP_MAX_IMPORTS 4096   /* functions and resources that a component imports and exports */
#define LP_MAX_VALUE_DEPTH 64 /* nesting of a type of a component */
#define LP_MAX_VALUE_SIZE (64u << 10)   /* bytes of a value, without what it points to */
#define LP_MAX_TYPE_NODES (1u << 18)    /* parts of a component's function types, at each mention */
#define LP_MAX_TYPE_TEXT (8u << 20)     /* bytes of the names in them */
#define LP_MAX_CALL_BYTES (128u << 20)  /* memory that the values of one call take in C */
#define LP_MAX_CALL_FUEL (128u << 20)   /* bytes handed over in one call, seen or copied */
#define LP_MAX_ARENA_BLOCK (256u << 20) /* one allocation from an arena */
#define LP_MAX_LOG_MESSAGE 16384        /* bytes of a guest's log message; longer is cut */
#define LP_MAX_LOG_FIELDS 64            /* fields of a guest's log entry; more are dropped */
#define LP_MAX_LOG_FIELD 1024           /* bytes of a field's name or text; longer is cut */
#define LP_MAX_LOG_RATE 2000            /* guest log entries a second; more are counted */
#define LP_MAX_TABLE_INTERFACES 256     /* interfaces of one provider */
#define LP_MAX_TABLE_ROWS 4096          /* functions and resources of one of them */
#define LP_MAX_TABLE_TYPE (1u << 20)    /* bytes of a function's type */
#define LP_MAX_TABLE_TEXT 4096          /* bytes of its summary */
#define LP_MAX_TABLE_OPTIONS 64         /* options of one provider */
#define LP_MAX_OPTION_TEXT 4096         /* bytes of a text that one is given */
#define LP_MAX_CHAIN 8                  /* providers of one interface, one before the other */
#define LP_MAX_HANDLES 65536            /* resources of C that one instance holds */
#define LP_MAX_HELD_BACK 4096           /* calls that wait for a provider that is swapped */
#define LP_MAX_SWAPS 256                /* swaps of a host that wait */
#define LP_MAX_OBJECT_STATE 65536       /* bytes that an object is when it moves */
#define LP_MAX_BACKEND_RESTARTS 10000   /* of a component in a slot, that may be allowed a minute */
#define LP_MAX_CHILDREN 16              /* components that one component has loaded at a time */
#define LP_MAX_CHILDREN_OF_HOST 128     /* and all together */
#define LP_MAX_CHILD_DEPTH 4            /* one that was loaded loads another, and so on */
#define LP_MAX_KV_BATCH 4096            /* keys of one batch of wasi:keyvalue */
#define LP_MAX_IDENTITY 8192            /* bytes of a component's identity */
#define LP_MAX_STORE_NAME 64            /* bytes of a bucket's name */
#define LP_MAX_STORE_KEY 1024           /* bytes of a key */
#define LP_MAX_STORE_VALUE (16 << 20)   /* bytes of a value */
#define LP_MAX_STORE_VERSION 64         /* bytes of a version */
#define LP_MAX_STORE_BATCH 1024         /* keys of one call */
#define LP_MAX_STORE_BYTES (32 << 20)   /* bytes of the values of one call */
#define LP_MAX_STORE_PAGE 1024          /* keys of one page */
#define LP_MAX_STORE_WAIT_MS 10000      /* for another process that has the file */
#define LP_MAX_STORE_NOTES (64u << 20)  /* bytes of the keys noted while a store is copied */
#define LP_MAX_STORE_TAKEN (1u << 30)   /* bytes of memory for the state of another store */
#define LP_STORE_FREE_KEYS 1024         /* keys that any quota allows, and */
#define LP_STORE_KEY_ROOM 64            /* one more for so many bytes of the quota */
#define LP_OBSERVED_STORAGE (16u << 20) /* bytes of storage that is not granted but observed */
#define LP_MAX_AUDIT_ROWS 4096          /* kinds of decisions that are kept */
#define LP_MAX_AUDIT_OF_ONE 1024        /* and those of one instance */
#define LP_MAX_AUDIT_TEXT 1024          /* bytes of a text in them; longer is cut */
#define LP_MAX_AUDIT_BYTES (64u << 20)  /* an audit log that is read */
#define LP_MAX_GRANTS 1024              /* grants of one kind */
#define LP_MAX_PROCESS_WORDS 64         /* arguments in a grant for a process */
#define LP_MAX_ELF_SEGMENTS 128         /* program headers of a shared library */
#define LP_MAX_ELF_DYNAMIC 4096         /* rows of its dynamic section that are looked at */
#define LP_MAX_ELF_SYMBOLS (1u << 26)   /* symbols of it */
#define LP_MAX_ELF_CHAIN 4096           /* symbols that share a hash, looked at in a search */
#define LP_MAX_LIBRARY_VERSIONS 256     /* of one library in memory at a time */
#define LP_MAX_TRUSTED 1024             /* workspaces that the user trusts */
#define LP_MAX_TRUST_WAIT_MS 10000      /* for another process that changes their list */
#define LP_MAX_KEYS 1024                /* of publishers, that the user knows */
#define LP_MAX_KEY_NAMESPACES 256       /* that one key may sign for; rules of signatures */
#define LP_MAX_KEY_FILE 1024            /* bytes of a key file */
#define LP_MAX_KEY_MEMORY (1u << 30)    /* that deriving a key from a password may take */
#define LP_MAX_KEY_OPERATIONS (1u << 26) /* steps of the same */
#define LP_MAX_PASSWORD 1024             /* bytes of one */
#define LP_MAX_SIGNATURE_BYTES 16384     /* a signature file, its comments included */
#define LP_MAX_SIGNATURES 16             /* of one package */
#define LP_MAX_INVOKE_TEXT (1u << 20)    /* bytes of an --invoke expression */
#define LP_MAX_CACHE_BYTES (1ull << 30)  /* compiled components kept; the oldest go first */
#define LP_MAX_MAIL 4096                 /* pieces of work that wait for one instance */
#define LP_MAX_STATE (64u << 20)         /* bytes of a component's state that a swap carries */
#define LP_MAX_FRAMES 64                 /* frames printed of a wasm backtrace */
#define LP_MAX_WIT_BYTES (64u << 20)     /* a resolved WIT package, as JSON */
#define LP_MAX_WIT_TYPES 65536           /* types of a WIT package and what it uses */
#define LP_MAX_WIT_INTERFACES 4096       /* interfaces, worlds and packages of the same */
#define LP_MAX_WIT_DEPTH 64              /* nesting of a WIT type */
#define LP_MAX_WIT_STRUCTURE 65536u      /* bytes of a function's type in structural form */
#define LP_MAX_TYPE_RESOURCES 1024       /* resources that the texts of types name */
#define LP_MAX_WIT_OUTPUT (64u << 20)    /* bytes of generated code */

/* Sidecars: sidecar/PROTOCOL.md has the same numbers. */
#define LP_MAX_SIDE_FRAME (1u << 20)           /* payload of a frame */
#define LP_MAX_SIDE_MESSAGE (64u << 20)        /* a message, in as many frames as it takes */
#define LP_MAX_SIDE_PARTIAL 1024               /* messages of which only a part came */
#define LP_MAX_SIDE_PARTIAL_BYTES (256u << 20) /* of them; of NEXT that wait to be run */
#define LP_MAX_SIDE_NEXTS 1024                 /* NEXT that wait to be run */
#define LP_MAX_SIDE_INTERFACES 256             /* interfaces of a sidecar */
#define LP_MAX_SIDE_FUNCTIONS 1024             /* functions of one */
#define LP_MAX_SIDE_RESOURCES 256              /* resources of one */
#define LP_MAX_SIDE_VERSIONS 16                /* versions of the protocol */
#define LP_MAX_SIDE_CAPABILITIES 64            /* capabilities */
#define LP_MAX_SIDE_OPTIONS 64                 /* options */
#define LP_MAX_SIDE_TEXT 4096                  /* bytes of a text of the handshake or of an error */
#define LP_MAX_SIDE_MESSAGES 16                /* messages of an error, what failed and why */
#define LP_MAX_SIDE_CALLS 65536                /* calls under way */
#define LP_MIN_SIDE_CREDIT (2u << 20)          /* bytes in flight: the least */
#define LP_MAX_SIDE_CREDIT (64u << 20)         /* and the most */
#define LP_SIDE_SHARED_LEAST (64u << 10)       /* bytes that are worth the shared memory */

/* Sidecars: what the protocol does not say. */
#define LP_MAX_SIDE_LINE 4096                /* bytes of a line of stderr; longer is cut */
#define LP_MAX_SIDE_LOG_RATE 1000            /* lines and entries a second; more are counted */
#define LP_MAX_SIDE_OBJECTS (1u << 20)       /* resources of one that are held at a time */
#define LP_MAX_SIDE_OBJECT_STATE (64u << 10) /* bytes that an object is saved as */
#define LP_MAX_SIDE_GIVEN_UP 64      /* calls that it has not answered and nobody waits for */
#define LP_MAX_SIDE_NOTES (2u << 20) /* short frames that wait for it to read: more than DROPs */
#define LP_MAX_SIDE_PONGS 65536      /* of them, answers to its PING */
#define LP_MAX_SIDE_RESTS 4096       /* longer messages that wait for it, and nobody for them */
#define LP_MAX_SIDE_IDLE_CALLERS 256 /* instances that it knows and that do not call now */
#define LP_MAX_SIDE_RESTARTS 10000   /* that may be allowed within a minute */
#define LP_SIDE_SHARED (64u << 20)   /* shared memory, both halves */

/* Control: knowledge/control.md. */
#define LP_MAX_CONTROL_LINE (64u << 10)    /* bytes of a request */
#define LP_MAX_CONTROL_ANSWER (16u << 20)  /* bytes of a line that a host answers */
#define LP_MAX_CONTROL_CLIENTS 16          /* connections at a time; the idle ones go first */
#define LP_MAX_CONTROL_WAITING (1u << 20)  /* bytes that wait for a client to read them */
#define LP_MAX_CONTROL_WORDS 64            /* words of a sidecar's command */
#define LP_MAX_CONTROL_NAMES 8             /* hosts of one process */
#define LP_MAX_CONTROL_STEPS 4096          /* providers and components of one `reload` */
#define LP_MAX_CONTROL_MS (24u * 3600000u) /* a deadline, and how long the old one drains */

/* Packages: knowledge/packages.md. */
#define LP_MAX_PACKAGE_WORD 64            /* bytes of a namespace, and of a name within it */
#define LP_MAX_VERSION_TEXT 128           /* bytes of a version */
#define LP_MAX_RANGE_TEXT 256             /* bytes of a range of versions */
#define LP_MAX_RANGE_PARTS 32             /* comparisons of a range */
#define LP_MAX_PACKAGE_BYTES (320u << 20) /* an archive: a component and what goes with it */
#define LP_MAX_PACKAGE_ENTRIES 256        /* files and folders of an archive or a layout */
#define LP_MAX_MANIFEST_BYTES (1u << 20)  /* a manifest, a config, an index.json */
#define LP_MAX_PACKAGE_DOCS (4u << 20)    /* bytes of a package's documentation */
#define LP_MAX_PACKAGE_REQUIRES 256       /* other packages that one asks for */
#define LP_MAX_PACKAGE_TEXT 4096          /* bytes of a description, license or source */
#define LP_MAX_PACKAGE_ANNOTATIONS 256    /* annotations of a manifest */
#define LP_MAX_PACKAGE_NOTE (16u << 20)   /* what a registry said of a package, as kept */
#define LP_MAX_CACHE_WAIT_MS 600000       /* for another process that fetches the same */

/* Registries. */
#define LP_MAX_JSON_BYTES (16u << 20)    /* a JSON text of a registry: an index, a list of tags */
#define LP_MAX_JSON_NODES (1u << 20)     /* values in one */
#define LP_MAX_JSON_DEPTH 32             /* nesting of them */
#define LP_MAX_INDEX_ENTRIES 65536       /* versions of all packages in one index */
#define LP_MAX_PACKAGE_VERSIONS 4096     /* of one package */
#define LP_MAX_PACKAGE_REFERRERS 256     /* manifests that belong to another */
#define LP_MAX_REGISTRIES 256            /* that are named in one file, and routes to them */
#define LP_MAX_REGISTRY_PAGES 256        /* pages of a list of tags */
#define LP_MAX_REGISTRY_TOKEN 16384      /* bytes of a token, or of what asks for one */
#define LP_MAX_REGISTRY_TAG 256          /* bytes of what a registry wants to be asked with again */
#define LP_MAX_REGISTRY_TRIES 5          /* of a transfer that is cut, when nothing more has come */
#define LP_MAX_REGISTRY_WAIT_MS 10000    /* that a registry may ask for before the next try */
#define LP_MAX_REGISTRY_CHUNK (8u << 20) /* bytes sent in one request */
#define LP_MAX_TRANSFERS 16              /* of components that are under way at a time */
#define LP_MAX_TRANSFER_PACKAGES 1024    /* packages of one */
#define LP_MAX_REGISTRY_QUESTIONS 1024   /* of one call of a component */
#define LP_MAX_REGISTRY_FRESH_S 86400    /* that an answer counts, whatever a registry says */
#define LP_REGISTRY_SILENT_S 30          /* that one that did not answer is not asked again */

/* HTTP: what registries answer. */
#define LP_MAX_HTTP_REDIRECTS 8         /* one after the other */
#define LP_MAX_HTTP_HEADERS 128         /* of an answer */
#define LP_MAX_HTTP_HEADER_BYTES 65536  /* all of them together */
#define LP_MAX_HTTP_HEADED 262144       /* with those before the answer (103) and behind it */
#define LP_MAX_HTTP_URL 8192            /* bytes of a URL, also one that is led to */
#define LP_MAX_HTTP_AT_ONCE 8           /* requests under way at a time */
#define LP_MAX_HTTP_CONNECT_MS 10000    /* until there is a connection */
#define LP_MAX_HTTP_STALL_MS 30000      /* for the next LP_MIN_HTTP_BYTES to come or go */
#define LP_MIN_HTTP_BYTES 1024          /* fewer in that time: nobody is there any more */
#define LP_MAX_HTTP_SKIPPED (64u << 10) /* bytes of the body of a redirect */

/* Choosing versions (packages/resolve.c). */
#define LP_MAX_RESOLVE_PACKAGES 3000      /* packages that are asked for, and rows of a loop.lock */
#define LP_MAX_RESOLVE_RELEASES (1 << 18) /* versions of them that are looked at */
#define LP_MAX_RESOLVE_NEEDS (1 << 20)    /* requirements of those */
#define LP_MAX_BLAMES 512                 /* of a conflict, looked at for the least of them */
#define LP_MAX_WORKSPACE_WAIT_MS 600000   /* for another process that changes loop.lock */

/* Watching files (loop_watch_open). */
#define LP_MAX_WATCHED 1024   /* files */
#define LP_WATCH_POLL_MS 1000 /* files are looked at so often, whatever the system tells */
#define LP_WATCH_STILL_MS 150 /* a file that did not change for so long is whole */

/* Programs that components start (providers/process). */
#define LP_MAX_PROCESSES 64             /* of one component at a time */
#define LP_MAX_PROCESSES_OF_HOST 256    /* and of all together */
#define LP_MAX_PROCESS_ARGUMENTS 4096u  /* arguments of one */
#define LP_MAX_PROCESS_VARIABLES 1024u  /* variables of one */
#define LP_MAX_PROCESS_TEXT 131071u     /* bytes of an argument or "NAME=value"; Linux' own */
#define LP_MAX_PROCESS_BYTES (1u << 20) /* of all of them, with a zero behind each */

/* Building (builder/). */
#define LP_MAX_BUILD_FILES 65536        /* files that a component is built from */
#define LP_MAX_BUILD_FILE (256u << 20)  /* bytes of one */
#define LP_MAX_BUILD_DEPTH 64           /* folders in folders */
#define LP_MAX_BUILD_STAMP (16u << 20)  /* bytes of what is noted of a build */
#define LP_MAX_BUILD_JOBS 256           /* components built at a time */
#define LP_MAX_BUILD_OUTPUT (1u << 20)  /* bytes of what a tool says; the rest is counted */
#define LP_MAX_BUILD_ANSWER (64u << 20) /* bytes that a tool writes for us to read */
#define LP_BUILD_WIT_MS 300000          /* for loop-wit: bindings, a component, several made one */
#define LP_BUILD_ASK_MS 60000           /* for a tool that is asked its version */

/* Fibers (fx/core): knowledge/effect-system.md has the same numbers. */
#define LP_MAX_FX_FIBERS                                                                           \
    ((1u << 21) - 2)                  /* of a runtime, those that wait for clean-up included       \
                                       */
#define LP_MAX_FX_MOUNTED (1u << 19)  /* of those, what the functions of one component returned */
#define LP_MAX_FX_DEPTH 1024          /* of a tree of fibers, quotes included */
#define LP_MAX_FX_CHILDREN (1u << 16) /* of one fiber */
#define LP_MAX_FX_ELEMENTS (1u << 20) /* rows of one table */
#define LP_MAX_FX_BATCH 4096          /* jobs handed out at a time */
#define LP_MAX_FX_BATCH_BYTES (32u << 20) /* of what they are told */
#define LP_MAX_FX_BATCH_ROWS (1u << 20)   /* and of each of its lists */
#define LP_MAX_FX_MOUNTABLES 1024       /* names of components that one component's elements use */
#define LP_MAX_FX_ROOTS 1024            /* of a host */
#define LP_MAX_FX_NAME 256              /* bytes of a function, context, root, type */
#define LP_MAX_FX_KEY 256               /* bytes of a key */
#define LP_MAX_FX_PROPERTIES (1u << 20) /* bytes of one element's properties */
#define LP_MAX_FX_CALLBACKS 1024        /* that one element is given */
#define LP_MAX_FX_CELLS 256             /* of one fiber */
#define LP_MAX_FX_STATE (1u << 20)      /* bytes of the cells of one fiber */
#define LP_MAX_FX_READS 32              /* contexts that one function reads */
#define LP_MAX_FX_EFFECTS 256           /* of one fiber */
#define LP_MAX_FX_YIELDS 1024           /* values that one run yields */
#define LP_MAX_FX_YIELDED (1u << 20)    /* bytes of them */
#define LP_MAX_FX_WAITING (1u << 16)    /* writes, cancellations and calls that wait for a turn */
#define LP_MAX_FX_WAITING_BYTES (64u << 20) /* and bytes of them */
#define LP_MAX_FX_WHY 1024                  /* bytes of why one failed; longer is cut */
#define LP_MAX_FX_TRACE (1u << 20)          /* events that nobody took */
#define LP_MAX_FX_NODES (1u << 20)          /* of the graphs of a runtime */
#define LP_MAX_FX_INPUTS (1u << 16)         /* of one node */
#define LP_MAX_FX_EDGES (1u << 23)          /* inputs of all nodes of a runtime */
#define LP_MAX_FX_NODE_VALUE (1u << 20)     /* bytes of one node's value */
#define LP_MAX_FX_GRAPH_BYTES (64u << 20)   /* of the values of a component's nodes */
#define LP_MAX_FX_DUE_INPUTS (1u << 20)     /* handed out at a time, */
#define LP_MAX_FX_DUE_BYTES (64u << 20)     /* and bytes of them */

#endif

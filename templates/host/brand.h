/* brand.h: what this program is called, and what it says about itself. */
#ifndef BRAND_H
#define BRAND_H

#define BRAND_NAME "scaffold-name"
#define BRAND_VERSION "0.1.0"
#define BRAND_WHAT "runs WebAssembly components that share a board for notices"

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The interface descriptions that GetInterfaceDescription returns: the one place where they are. */
#pragma once

#define SHIM_INTERFACE    "io.berth.Shim"
#define SERVICE_INTERFACE "org.varlink.service"

/* Text of an interface; NULL: there is none of that name. */
const char *idl_text(const char *interface);

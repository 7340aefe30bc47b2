#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The Makefile on a copy of itself with three small sources: what rebuilds what, the version header, install.

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree"/{libcore/base,runtime,shim,tests/unit}
	cp -r "$top/Makefile" "$top/scripts" "$tree"
	cp "$top/shim/static.ld" "$tree/shim"
	cd "$tree" || return 1
	printf '#pragma once\nint one(void);\n' >libcore/base/one.h
	printf '#include "base/one.h"\nint one(void)\n{\n\treturn 1;\n}\n' >libcore/base/one.c
	printf '#include <stdio.h>\n#include "base/one.h"\n#include "version.h"\nint main(void)\n{\n\treturn printf("%%d %%s %%s\\n", one(), BERTH_VERSION, BERTH_COMMIT) < 0;\n}\n' >runtime/main.c
	printf '#include "base/one.h"\nint main(void)\n{\n\treturn one();\n}\n' >shim/main.c
	echo 'extern int one(void);' >shim/json_tree.c
	export GIT_CEILING_DIRECTORIES=$BATS_TEST_TMPDIR
	unset MAKEFLAGS MAKELEVEL MFLAGS WERROR SAN BUILD CFLAGS
}

@test "builds, and a second make does nothing" {
	make -s all
	run build/berth
	[ "$output" = "1 $(sed -n 's/^VERSION *:= *//p' Makefile) unknown" ]
	run make all
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "a changed header, and changed flags, rebuild what they concern" {
	make -s all
	echo '/* changed */' >>libcore/base/one.h
	run make all
	[[ "$output" == *"CC      libcore/base/one.c"* ]]
	run make CFLAGS=-O1 all
	[[ "$output" == *"CC      libcore/base/one.c"*"LD      build/berth"* ]]
	run make CFLAGS=-O1 all
	[ -z "$output" ]
}

@test "a removed source leaves its archive" {
	echo 'int two(void); int two(void) { return 2; }' >libcore/base/two.c
	make -s all
	ar t build/libcore.a | grep -qx two.o
	rm libcore/base/two.c
	make -s all
	run ar t build/libcore.a
	[ "$output" = one.o ]
}

@test "the version header tells the commit, and only the commit of this tree" {
	git init -q .
	git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m x
	make -s all
	run build/berth
	[[ "$output" == *" $(git rev-parse --short=12 HEAD)"* ]]
	# A tarball unpacked inside some other repository.
	mkdir inner && cp -r Makefile scripts libcore runtime shim tests inner
	cd inner
	make -s all
	run build/berth
	[[ "$output" == *" unknown" ]]
}

@test "programs are hardened" {
	make -s all
	run readelf -hldW build/berth
	[[ "$output" == *"Type:"*"DYN"* ]]
	[[ "$output" == *GNU_RELRO* ]]
	[[ "$output" == *BIND_NOW* || "$output" == *"Flags: NOW"* ]]
	[[ "$output" == *GNU_STACK*RW* ]]
	[[ "$output" != *RWE* ]]
	run make V=1 -B build/libcore/base/one.o
	[[ "$output" == *-fstack-protector-strong*-D_FORTIFY_SOURCE=3* || "$output" == *-D_FORTIFY_SOURCE=3*-fstack-protector-strong* ]]
}

@test "install honours DESTDIR and PREFIX" {
	make -s install DESTDIR="$PWD/image" PREFIX=/opt/b
	[ -x image/opt/b/bin/berth ]
	[ -x image/opt/b/libexec/berth/berth-shim ]
	grep -q '"/opt/b/libexec/berth"' build/gen/version.h
}

@test "sanitized objects are in a directory of their own and are not fortified" {
	run make V=1 SAN=undefined build-san/libcore/base/one.o
	[ "$status" -eq 0 ]
	[[ "$output" == *-fsanitize=undefined* ]]
	[[ "$output" != *FORTIFY* ]]
	[ ! -e build/libcore ]
}

@test "help needs no compiler and lists the targets" {
	CC=/nonexistent run make help
	[ "$status" -eq 0 ]
	for target in all install check check-unit check-e2e check-sanitize check-format check-layers check-headers \
		check-lint demo bench clean help compile_commands.json; do
		[[ "$output" == *"  $target "* ]] || { echo "no $target" && return 1; }
	done
}

@test "everything that is missing is named at once" {
	PKG_CONFIG_LIBDIR=/nonexistent run make all
	[ "$status" -ne 0 ]
	[[ "$output" == *libseccomp*libcap*libcjson*"sudo scripts/install-deps build"* ]]
}

@test "compile_commands.json is JSON and has every source" {
	make -s compile_commands.json
	run jq -r '.[].file' compile_commands.json
	[ "$output" = "$(printf '%s\n' libcore/base/one.c runtime/main.c shim/json_tree.c shim/main.c)" ]
}

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# sentryd on a real V4L2 driver: Debian's kernel in QEMU (without KVM), with vivid, which makes test pictures and
# can be told to fail as cameras do. The kernel package is kept beside the build.
set -u
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
here=$top_srcdir/tests/vm
cache=$top_builddir/tests/vm/cache
deadline_s=400

skip_all() { echo "1..0 # SKIP $1"; exit 0; }
for program in qemu-system-x86_64 cpio modprobe depmod dpkg ldd gcc base64; do
	command -v "$program" >/dev/null || skip_all "$program is not installed"
done
busybox=$(command -v busybox) || skip_all "busybox-static is not installed"
ldd "$busybox" >/dev/null 2>&1 && skip_all "busybox is not the static one: install busybox-static"
[ "$(uname -m)" = x86_64 ] || skip_all "made for x86_64 only"
grep -q '^#define HAVE_V4L2 1' "$top_builddir/config.h" 2>/dev/null || skip_all "this build has no cameras"
for program in capture/sentryd relay/sentryc koshienctl/koshienctl; do
	[ -x "$top_builddir/$program" ] || skip_all "$program is not built"
done

# --- the kernel -------------------------------------------------------------------------------------
fetch_kernel() {
	local package partial=$cache/partial
	package=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	[ -n "$package" ] || skip_all "apt knows no linux-image-amd64"
	rm -rf "$partial"
	mkdir -p "$partial/root" || skip_all "cannot write $cache"
	(cd "$partial" && timeout 60 apt-get download "$package" >apt.log 2>&1) || skip_all "apt-get download $package failed, see $partial/apt.log"
	dpkg -x "$partial"/*.deb "$partial/root" || skip_all "cannot unpack $package"
	rm -f "$partial"/*.deb
	rm -rf "$cache/kernel"
	mv "$partial/root" "$cache/kernel"
}
ls "$cache"/kernel/boot/vmlinuz-* >/dev/null 2>&1 || fetch_kernel
kernel=$(echo "$cache"/kernel/boot/vmlinuz-*)
version=${kernel##*/vmlinuz-}
depmod -b "$cache/kernel" "$version" || skip_all "depmod failed"

# --- the guest --------------------------------------------------------------------------------------
scratch=$(mktemp -d "${TMPDIR:-/tmp}/koshien-tests-vm-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
guest=$scratch/guest
mkdir -p "$guest"/{bin,dev,keys,modules,proc,run,sys,tmp}
cp "$here/guest.sh" "$guest/init"
chmod 755 "$guest/init"
cp "$busybox" "$guest/bin/busybox"
for applet in sh mount ip insmod wget sed tail grep usleep mkdir kill base64 poweroff; do
	ln -s busybox "$guest/bin/$applet"
done
gcc -O1 -o "$scratch/press" "$here/press.c" || skip_all "press.c cannot be compiled"

# A program with all the libraries that it loads.
install_program() {
	local library
	cp "$1" "$guest/bin/${1##*/}"
	ldd "$1" | grep -o '/[^ ]*' | while read -r library; do
		[ -e "$guest$library" ] || { mkdir -p "$guest$(dirname "$library")" && cp -L "$library" "$guest$library"; }
	done
}
for program in capture/sentryd relay/sentryc koshienctl/koshienctl; do
	install_program "$top_builddir/$program"
done
install_program "$scratch/press"

modprobe -d "$cache/kernel" -S "$version" --show-depends vivid | sed -n 's/^insmod //p' | while read -r module _; do
	cp "$module" "$guest/modules/"
	case $module in
	*/vivid.ko) echo "${module##*/} n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0" ;;
	*) echo "${module##*/}" ;;
	esac
done >"$guest/modules/order"
[ -e "$guest/modules/vivid.ko" ] || skip_all "the kernel package has no vivid"
"$top_builddir/koshienctl/koshienctl" keygen --dir "$guest/keys" source camera >/dev/null &&
	"$top_builddir/koshienctl/koshienctl" keygen --dir "$guest/keys" relay guest >/dev/null || skip_all "koshienctl keygen failed"
(cd "$guest" && find . | cpio -o -H newc --quiet | gzip -1) >"$scratch/initrd"

# --- the run ----------------------------------------------------------------------------------------
timeout "$deadline_s" qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 768 -kernel "$kernel" -initrd "$scratch/initrd" \
	-append "console=ttyS0 quiet panic=-1" -nographic -no-reboot -nodefaults -serial "file:$scratch/console" \
	</dev/null >"$scratch/qemu" 2>&1
status=$?
tr -d '\r' <"$scratch/console" >"$scratch/log"

tests=0
ok() { # STATUS NAME
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then echo "ok $tests - $2"; else echo "not ok $tests - $2"; fi
}
while read -r line; do
	case $line in
	'@@ ok '*) ok 0 "${line#@@ ok }" ;;
	'@@ not ok '*) ok 1 "${line#@@ not ok }" ;;
	'# '*) echo "$line" ;;
	esac
done < <(grep -a '^@@ ok \|^@@ not ok \|^# ' "$scratch/log")

# The pictures themselves: vivid's colour bars, so neither black nor of one colour.
for format in YUYV NV12 UYVY; do
	sed -n "/^@@ begin $format/,/^@@ end $format/{/^@@/d;p}" "$scratch/log" | base64 -d >"$scratch/$format.jpg" 2>/dev/null
	[ -z "${KOSHIEN_ARTEFACTS:-}" ] || cp "$scratch/$format.jpg" "$KOSHIEN_ARTEFACTS/vivid-$format.jpg" 2>/dev/null
	if command -v djpeg >/dev/null; then
		colours=$(djpeg -scale 1/8 -pnm "$scratch/$format.jpg" 2>/dev/null | tail -c +14 | od -An -v -w3 -tu1 |
			awk '{ print int($1 / 86) int($2 / 86) int($3 / 86) }' | sort -u | wc -l)
		[ "$colours" -ge 6 ]
		ok $? "$format: the picture shows colour bars ($colours colours)"
	else
		tests=$((tests + 1))
		echo "ok $tests - $format: the picture shows colour bars # SKIP no djpeg (libjpeg-turbo-progs)"
	fi
done
grep -q '^@@ done' "$scratch/log" && [ "$(grep -c '^@@ \(not \)\?ok ' "$scratch/log")" -eq 13 ]
done=$?
ok $done "the guest came to its end"
if [ "$done" -ne 0 ] || [ "$status" -ne 0 ]; then
	echo "# qemu ended with $status"
	tail -n 20 "$scratch/log" | sed 's/^/# console: /'
	tail -n 5 "$scratch/qemu" | sed 's/^/# qemu: /'
fi
echo "1..$tests"

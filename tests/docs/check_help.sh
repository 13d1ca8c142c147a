#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A program's --help, its manual pages and its sample say the same. --help comes from the settings table, so
# it is the one that is right.
# shellcheck source=tests/docs/lib.sh
. "$(dirname "$0")/lib.sh"

# --- what each says -------------------------------------------------------------------------------
# name<TAB>default for each option of a --help text, below the heading that matches $1.
options_below() {
	awk -v heading="$1" '
		function flush() {
			if (name == "") return
			preset = ""
			if (match(text, /\(default: .*\)$/)) preset = substr(text, RSTART + 10, RLENGTH - 11)
			gsub(/ and /, " ", preset)	# between the items of a list
			print name "\t" preset
			name = ""
		}
		/^[A-Z]/ { flush(); inside = $0 ~ heading; next }
		!inside { next }
		/^  --/ { flush(); name = substr($1, 3); text = $0; next }
		name != "" { sub(/^ +/, " "); text = text $0 }
		END { flush() }'
}
# The words of a --help text that stand in the configuration file alone: their names.
words_alone() {
	awk '/^[A-Z]/ { inside = /^Words of the configuration file alone/; next } inside && /^  [a-z]/ { print $1 }'
}
names() { cut -f 1 | sort; }

# name<TAB>value of each setting of a sample, commented out or not; sections have no value.
sample_settings() {
	sed -n -E -e 's/^#?([a-z][a-z0-9-]*) = (.*)$/\1\t\2/p' -e 's/^#?([a-z][a-z0-9-]*) "[^"]*" \{.*/\1\t/p' "$1" |
		tr -d '"{},' | sed -E 's/ +$//; s/\t +/\t/; s/ +/ /g' | sort -u
}

# The same of a sample whose file has a word and its values on each line; prose has a blank behind its #.
sample_words() {
	sed -n -E 's/^#?([a-z][a-z0-9-]*) (.*)$/\1\t\2/p' "$1" | sort -u
}

man_settings() { sed -n -E 's/^\.It Cm ([a-z][a-z0-9-]*)( .*)?$/\1/p' "$1" | sort; }
man_options() { sed -n -E 's/^\.It Fl -([a-z][a-z0-9-]*)( .*)?$/\1/p' "$1" | sort; }
# The lines of a manual page about one setting.
man_about() {
	awk -v name="$2" '/^\.It Cm / { inside = $3 == name } /^\.Ss|^\.Sh/ { inside = 0 } inside' "$1"
}
man_section() { awk -v name="$2" '/^\.S[sh] / { inside = $2 == name } inside' "$1"; }

same() { # FILE FILE: both have the same lines
	diff "$1" "$2"
}
has_default() { # PAGE NAME DEFAULT
	local word
	case $3 in
	/*) man_about "$1" "$2" | grep -qF -e "$3" && return ;;
	yes) man_about "$1" "$2" | grep -q '^On by default' && return ;;
	*)
		for word in $3; do
			man_about "$1" "$2" | grep -qwF -e "$word" || { echo "$2: the page does not have the default $word"; return 1; }
		done
		return 0
		;;
	esac
	echo "$2: the page does not have the default $3"
	return 1
}
defaults_in_man() { # PAGE OPTIONS
	local name preset status=0
	while IFS=$'\t' read -r name preset; do
		[ -z "$preset" ] || has_default "$1" "$name" "$preset" || status=1
	done <"$2"
	return $status
}
# What the sample shows behind the # is the default; paths are those of a packaged installation there.
defaults_in_sample() { # SETTINGS OPTIONS
	local name preset shown status=0
	while IFS=$'\t' read -r name preset; do
		shown=$(awk -F '\t' -v name="$name" '$1 == name { print $2; exit }' "$1")
		case $preset in '' | /*) continue ;; esac
		[ "$shown" = "$preset" ] || { echo "$name: the sample has '$shown', the program '$preset'"; status=1; }
	done <"$2"
	return $status
}

# --- daemons --------------------------------------------------------------------------------------
keys=$scratch/koshien
mkdir "$keys"
ctl=$top_builddir/koshienctl/koshienctl
"$ctl" keygen source camera --dir "$keys" >/dev/null
"$ctl" keygen source other --dir "$keys" >/dev/null
for key in relay-a relay-b; do "$ctl" keygen relay $key --dir "$keys" >/dev/null; done
for key in camera relay-a; do "$ctl" keygen master $key --dir "$keys" >/dev/null; done
: >"$keys/revoked"
: >"$keys/nat64d.relays"

# A copy of a sample that finds its keys; $3 "all": with every default switched on.
prepare() {
	sed -e "s|/etc/koshien|$keys|g" "$1" >"$2"
	[ "${3:-}" != all ] || sed -i -E 's/^#([a-z][a-z0-9-]* )/\1/' "$2"
}
says() { # TEXT STATUS COMMAND...
	local text=$1 wanted=$2 status=0
	shift 2
	"$@" >"$scratch/said" 2>&1 || status=$?
	cat "$scratch/said"
	[ "$status" -eq "$wanted" ] && grep -qF -e "$text" "$scratch/said"
}

check_daemon() {
	local path=$1 name=${1##*/} page sample
	page=$top_builddir/man/$name.conf.5 sample=$top_srcdir/conf/$name.conf
	"$path" --help >"$scratch/help"
	options_below '^Settings' <"$scratch/help" >"$scratch/settings"
	names <"$scratch/settings" >"$scratch/a"
	ok "$name has settings" test -s "$scratch/a"
	words_alone <"$scratch/help" >"$scratch/words"
	sort -o "$scratch/a" "$scratch/a" "$scratch/words"
	man_settings "$page" >"$scratch/b"
	ok "$name: --help and $name.conf(5) have the same settings" same "$scratch/a" "$scratch/b"
	if [ -s "$scratch/words" ]; then sample_words "$sample"; else sample_settings "$sample"; fi >"$scratch/sample"
	names <"$scratch/sample" | uniq >"$scratch/b"
	ok "$name: --help and conf/$name.conf have the same settings" same "$scratch/a" "$scratch/b"
	ok "$name: defaults in $name.conf(5)" defaults_in_man "$page" "$scratch/settings"
	ok "$name: defaults in conf/$name.conf" defaults_in_sample "$scratch/sample" "$scratch/settings"
	options_below '^General' <"$scratch/help" >"$scratch/general"
	names <"$scratch/general" >"$scratch/a"
	man_options "$top_builddir/man/$name.8" >"$scratch/b"
	ok "$name: general options in $name(8)" same "$scratch/a" "$scratch/b"
	ok "$name: $name(8) has the configuration's path" \
		grep -qF -e "$(awk -F '\t' '$1 == "config" { print $2 }' "$scratch/general")" "$top_builddir/man/$name.8"

	prepare "$sample" "$scratch/$name.conf"
	ok "$name takes the sample" exits 0 "$path" --check-config --config "$scratch/$name.conf"
	prepare "$sample" "$scratch/$name.conf" all
	ok "$name takes the sample with every setting in force" exits 0 "$path" --check-config --config "$scratch/$name.conf"
	printf '# one\n# two\nno-such-setting = 1\n' >"$scratch/bad.conf"
	ok "$name names file and line of an unknown setting" \
		says "$scratch/bad.conf:3:" 2 "$path" --check-config --config "$scratch/bad.conf"
	ok "$name refuses a file that is not there" says "$scratch/none.conf" 2 "$path" --config "$scratch/none.conf"
	ok "$name refuses an unknown option" says no-such-option 2 "$path" --no-such-option
}

# --- every program --------------------------------------------------------------------------------
check_program() {
	local path=$1 name=${1##*/}
	ok "$name --help" says "Usage: $name" 0 "$path" --help
	ok "$name --version" says "$name (koshien) " 0 "$path" --version
	ok "$name refuses an extra argument" says extra 2 "$path" extra
	ok "$name tells its exit status" says "Exit status: 0" 0 "$path" --help
}

# --- koshienctl -----------------------------------------------------------------------------------
check_command() {
	local page=$top_builddir/man/koshienctl.1
	ok "koshienctl $1 --help" says "Usage: koshienctl $1" 0 "$ctl" "$1" --help
	ok "koshienctl $1 in its manual page" grep -q -E "^\\.Cm $1( |\$)" "$page"
	ok "koshienctl $1 refuses an extra argument" exits 2 "$ctl" "$1" a b c d
	"$ctl" "$1" --help | options_below '^Options' | names | grep -vx help >"$scratch/a"
	man_section "$page" "$1" >"$scratch/section"
	man_options "$scratch/section" >"$scratch/b"
	ok "koshienctl $1: --help and manual page have the same options" same "$scratch/a" "$scratch/b"
}

for path in capture/sentryd relay/sentryc nat64/nat64d; do
	check_program "$top_builddir/$path"
	check_daemon "$top_builddir/$path"
done
check_program "$ctl"
check_program "$top_builddir/bench/swarm"
for command in $("$ctl" --help | awk '/^Commands/ { inside = 1; next } /^$/ { inside = 0 } inside { print $1 }'); do
	check_command "$command"
done
done_testing

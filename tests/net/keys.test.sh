#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Keys change while frames flow, and a relay is put out.
period_ms=100
. "$(dirname "$0")/lib.sh"

relays=(relay-1 relay-2)
need_programs "$sentryd" "$sentryc" "$ctl"
wan
host camera 1 dual
host parent-a 11 dual
host parent-b 12 dual
host relay-1 21 v4
host relay-2 22 v6
host stranger 29 v4
ok "keys" make_keys "${relays[@]}"
: >"$scratch/revoked"
for name in "${relays[@]}"; do faults "$name" 'both delay 10ms 2ms; both loss 2%'; done >/dev/null
camera camera
for name in parent-a parent-b; do parent "$name" camera --revoked "$scratch/revoked"; done
for name in "${relays[@]}"; do relay "$name" 'parent-a parent-b'; done
ok "frames everywhere" within 30 all_hold 20 "${relays[@]}"

reload_all() { # NAME...
	local at name
	for name; do reload "$name"; done
	at=$(mono_us)
	within 15 captured_after $((at + 500000)) "${relays[@]}"
}

# What a parent gets has other keys: when that stops, it is this machine that did.
lost_none() { # NAME MISSING
	if [ "$2" -gt 0 ] && { says parent-a 'no frame for' || says parent-b 'no frame for'; }; then
		skip "$1" "a parent had no frames for a while: this machine is too busy"
	else
		ok "$1" test "$2" -eq 0
	fi
}

# --- rotation -------------------------------------------------------------------------------------------
# As koshienctl says it: each key takes three steps, the programs are reloaded after each.
began=$(mono_us)
cp "$scratch/relay-1.psk" "$scratch/stranger.psk"
rotate_relays() { # OPTION...
	local name
	for name in "${relays[@]}"; do "$ctl" key rotate "$scratch/$name.psk" "$@" || return 1; done
}
ok "the next master key" "$ctl" key rotate "$scratch/parents.master"
ok "parents take it too" reload_all parent-a parent-b
ok "relays' next keys, made from it" rotate_relays --master "$scratch/parents.master"
ok "relays take them too" reload_all "${relays[@]}"
ok "the next master key becomes the present one" "$ctl" key rotate "$scratch/parents.master"
ok "parents follow" reload_all parent-a parent-b
ok "the relays' too" rotate_relays --master "$scratch/parents.master"
ok "relays follow" reload_all "${relays[@]}"
ok "the master key from before goes" "$ctl" key rotate "$scratch/parents.master"
ok "from the parents" reload_all parent-a parent-b
ok "the relays' keys from before go" rotate_relays
ok "from the relays" reload_all "${relays[@]}"
left=$(cd "$scratch" && echo parents.master* relay-*.psk*)
ok "one file each is left" test "$left" = 'parents.master relay-1.psk relay-2.psk'
ended=$(($(mono_us) - 1000000))
for name in "${relays[@]}"; do
	missing=$(missing "$began" "$ended" "$name" parent-a parent-b "${relays[@]}")
	figure "$name: $(wc -l <"$scratch/expected") frames while keys changed, $missing missing"
	lost_none "$name: none lost while keys changed" "$missing"
done
relay stranger parent-a
ok "a key from before the change is refused" within 10 eval \
	'[ "$(metric parent-a koshien_wire_reply_drops_total "unknown key" tag)" -gt 0 ]'

# --- revocation --------------------------------------------------------------------------------------------
ok "relay-2 is put on the list" "$ctl" key revoke relay-2 --list "$scratch/revoked"
revoked=$(mono_us)
for name in parent-a parent-b; do reload "$name"; done
# Still for 3 s, within a lease and that.
still() { ! published_after "$1" $(($(mono_us) - 3000000)); }
ok "relay-2 is out within a lease" within 33 still relay-2
out_ms=$(held relay-2 | tail -n 1 | awk -v at="$revoked" '{ printf "%.0f\n", ($5 > at ? $5 - at : 0) / 1000 }')
figure "relay-2: last frame $out_ms ms after the reload"
ok "relay-2's last frame was within one lease" test "$out_ms" -le 30000
ok "relay-1 goes on" published_after relay-1 $(($(mono_us) - 1000000))
missing=$(missing "$revoked" $(($(mono_us) - 1000000)) relay-1 parent-a parent-b)
lost_none "relay-1 lost nothing by it" "$missing"
ok "relay-2's log says why" says relay-2 revoked
ok "the stranger has nothing" eval '! compgen -G "$scratch/stranger.store/*" || ! holds_at_least stranger 1'
ok "byte for byte the same in every store" byte_for_byte parent-a parent-b "${relays[@]}"
done_testing

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# The frame pump over TLS: the same tests, to the byte.
tls=yes
. "$(dirname "$0")/test_pump.sh"

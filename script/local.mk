# SPDX-License-Identifier: Apache-2.0
dist_noinst_SCRIPTS += script/bench script/bootstrap script/demo script/test
EXTRA_DIST += script/packages script/demo-nat64.sh script/lib.sh

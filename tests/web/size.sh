#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a visitor downloads before the first picture: the viewer's modules, compressed one by one as a
# server would, and the limit that the design sets for them.
limit=12288
viewer=$(dirname "$0")/../../web/viewer
sum=0
n=0
for file in "$viewer"/*.js; do
	size=$(gzip -9 -c "$file" | wc -c)
	echo "# $(basename "$file"): $size bytes"
	sum=$((sum + size))
	n=$((n + 1))
done
echo "1..2"
if [ "$n" -gt 0 ] && [ "$sum" -le "$limit" ]; then
	echo "ok 1 - the viewer is $sum bytes compressed, at most $limit"
else
	echo "not ok 1 - the viewer is $sum bytes compressed in $n files, above $limit"
fi
if grep -nE 'innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function' "$viewer"/*.js; then
	echo "not ok 2 - nothing is built from strings"
else
	echo "ok 2 - nothing is built from strings"
fi

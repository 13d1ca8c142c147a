# SPDX-License-Identifier: Apache-2.0
#
# Static files, served as they are: no build step, so that what is read here is what runs in the browser.

viewerdir = $(pkgdatadir)/web/viewer
dist_viewer_DATA = \
	web/viewer/koshien-flipbook.js \
	web/viewer/koshien-flipbook.d.ts \
	web/viewer/face.js \
	web/viewer/logic.js \
	web/viewer/words.js

sitedir = $(pkgdatadir)/web/site
dist_site_DATA = \
	web/site/index.html \
	web/site/embed.html \
	web/site/site.css \
	web/site/site.js \
	web/site/icon.svg

# What needs a browser, tests/browser, is run by script/test, which gets it one.
# (viewer.sh runs logic.mjs; of one name they would share a log, and make would choose.)
dist_check_SCRIPTS += tests/web/viewer.sh tests/web/size.sh
TESTS += tests/web/viewer.sh tests/web/size.sh
dist_doc_DATA += doc/viewer.md
EXTRA_DIST += \
	web/viewer/package.json \
	tests/web/logic.mjs \
	tests/browser/package.json \
	tests/browser/chain.mjs \
	tests/browser/element.test.mjs \
	tests/browser/picture.mjs \
	tests/browser/stage.mjs \
	tests/browser/stream.mjs \
	tests/browser/tap.mjs

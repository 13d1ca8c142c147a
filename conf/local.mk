# SPDX-License-Identifier: Apache-2.0
#
# Samples go beside the documentation, so that an installation never touches a live configuration.
# examplesdir is balancer's.
dist_examples_DATA += conf/sentryd.conf conf/sentryc.conf conf/sentry.conf conf/relay-httpd.conf conf/nat64d.conf

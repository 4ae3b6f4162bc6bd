#!/bin/sh
# The equal checks in Hurl, a file for each, side by side. Files share no captures, so the
# accounts are made first and told to them; all requests of a file go one after the other.
set -eu
here=$(dirname "$0")
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
password='SmokeTest123!@#'

ask() { hurl --cacert "$CA_FILE" --variable "url=$PRODUCTION_URL" "$@"; }
member_of() { sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p" "$made/$2"; }

for name in member stranger caller; do
	ask --variable "email=smoketest-$name-$$@example.com" --variable "password=$password" \
		"$here/accounts/register.hurl" >"$made/$name" &
done
wait
set -- --variable "password=$password" --variable "member_email=$(member_of email member)"
for name in member stranger caller; do
	set -- "$@" --variable "${name}_token=$(member_of access_token "$name")"
done
ask "$@" "$here/accounts/lattice.hurl" >"$made/lattice"
set -- "$@" --variable "lattice=$(member_of id lattice)"

code=0
ask "$@" --test --parallel --report-junit "$REPORT" "$here"/checks/*.hurl || code=$?
for name in member stranger caller; do
	ask --variable "token=$(member_of access_token "$name")" "$here/accounts/remove.hurl" &
done
wait
exit $code

# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Debian packages for the build scripts: install what a step needs on the
# machine, and fetch packages of other suites and architectures through apt
# configurations of our own, so that the machine's sources stay as they are.
# To be sourced; needs root only where a package has to be installed.

KESTREL_CACHE=${KESTREL_CACHE:-${HOME:-/root}/.cache/kestrel}

# Index files of foreign suites older than this are refreshed.
DEBIAN_INDEX_DAYS=7

say()
{
	printf '==> %s\n' "$*" >&2
}

die()
{
	printf '%s: error: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# hash_of FILE|STRING...: 16 hex digits that change with any argument or, where
# an argument names a file, with that file's content.
hash_of()
{
	local input

	for input in "$@"; do
		if [ -f "$input" ]; then
			sha256sum <"$input"
		else
			printf '%s\n' "$input"
		fi
	done | sha256sum | cut -c1-16
}

# run_logged LOG COMMAND...: run quietly, show the log's end if it fails.
run_logged()
{
	local log=$1

	shift
	mkdir -p "${log%/*}"
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 40 "$log" >&2
		die "'$1 ${2-}' failed, the whole log is $log"
	fi
}

# lock_held NAME: block until this process holds the named lock of the cache;
# released when the process ends.
lock_held()
{
	local fd

	mkdir -p "$KESTREL_CACHE/locks"
	exec {fd}>"$KESTREL_CACHE/locks/$1"
	if ! flock -n "$fd"; then
		say "waiting for another build of $1"
		flock "$fd"
	fi
}

# debian_install PACKAGE|FILE.deb...: install on the machine what is missing.
debian_install()
{
	local package name missing=()

	for package in "$@"; do
		name=$package
		[ -f "$package" ] && name=$(dpkg-deb -f "$package" Package)
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
			missing+=("$package")
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	[ "$(id -u)" = 0 ] || die "packages missing: ${missing[*]##*/} (run as root to have them installed)"
	say "installing ${missing[*]##*/}"
	debian_install_run "${missing[@]}" 2>/dev/null && return 0
	# The machine's package index may be missing or old.
	run_logged "$KESTREL_CACHE/apt/update.log" apt-get -q -o DPkg::Lock::Timeout=900 update
	debian_install_run "${missing[@]}" || die "cannot install ${missing[*]##*/}"
}

debian_install_run()
(
	run_logged "$KESTREL_CACHE/apt/install.log" env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y -o DPkg::Lock::Timeout=900 --no-install-recommends install "$@"
)

# debian_mirror main|security: base address the machine itself uses. A machine
# without security updates in its sources has them beside the main archive.
debian_mirror()
{
	local base

	# shellcheck disable=SC2016 # apt's own placeholders
	base=$(apt-get indextargets --format '$(SITE) $(REPO_URI)' 2>/dev/null |
		awk -v main=/debian/ -v security=/debian-security/ -v want="$1" '
			want == "security" && index($1 "/", security) { print $1; exit }
			index($1 "/", main) && !found { found = $1 }
			END { if (found) print found " main" }' | head -n 1)
	case $1:$base in
	*:) die "apt's sources name no Debian archive" ;;
	security:*' main')
		base=${base% main}
		base=${base%/}
		printf '%s\n' "${base%/debian}/debian-security" ;;
	*) printf '%s\n' "${base% main}" ;;
	esac
}

# debian_suite SUITE ARCH: make (or refresh) the private apt configuration of a
# suite and print the path of its apt.conf. SUITE may be a codename with
# -security, -backports or -updates; plain codenames carry -updates and
# -security with them.
debian_suite()
{
	local suite=$1 arch=$2
	local dir=$KESTREL_CACHE/apt/$suite-$arch
	local main security base=${suite%%-*}

	mkdir -p "$dir"/{lists/partial,archives/partial,empty}
	: >"$dir/status"
	main=$(debian_mirror main)
	security=$(debian_mirror security)
	{
		case $suite in
		*-security)
			echo "$security $suite" ;;
		*-*)
			echo "$main $suite" ;;
		*)
			printf '%s\n' "$main $suite" "$main $base-updates" "$security $base-security" ;;
		esac
	} | while read -r site name; do
		cat <<-EOS
		Types: deb deb-src
		URIs: $site
		Suites: $name
		Components: main
		Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

		EOS
	done >"$dir/kestrel.sources"
	cat >"$dir/apt.conf" <<-EOS
	APT::Architecture "$arch";
	APT::Architectures { "$arch"; };
	Dir::Etc::sourcelist "$dir/kestrel.sources";
	Dir::Etc::sourceparts "$dir/empty";
	Dir::Etc::preferences "$dir/empty/none";
	Dir::Etc::preferencesparts "$dir/empty";
	Dir::State::lists "$dir/lists";
	Dir::State::status "$dir/status";
	Dir::State::extended_states "$dir/extended_states";
	Dir::Cache::archives "$dir/archives";
	Dir::Cache::pkgcache "$dir/pkgcache.bin";
	Dir::Cache::srcpkgcache "$dir/srcpkgcache.bin";
	Acquire::Languages "none";
	Acquire::Retries "3";
	APT::Install-Recommends "false";
	APT::Sandbox::User "root";
	Debug::NoLocking "true";
	EOS
	(
		flock 9
		if [ -n "${DEBIAN_INDEX_FORCE-}" ] || [ ! -e "$dir/stamp" ] ||
		   [ -n "$(find "$dir/stamp" -mtime "+$DEBIAN_INDEX_DAYS")" ]; then
			say "reading the package index of $suite ($arch)"
			if APT_CONFIG="$dir/apt.conf" apt-get -q update >"$dir/update.log" 2>&1; then
				touch "$dir/stamp"
			else
				cat "$dir/update.log" >&2
				[ -e "$dir/stamp" ] || die "cannot read the package index of $suite"
				say "going on with the index read earlier"
			fi
		fi
	) 9>"$dir/lock" || return 1
	printf '%s\n' "$dir/apt.conf"
}

# What a script found out from package indexes is remembered, since asking apt
# takes seconds. debian_memo NAME SUITE ARCH: print what was remembered under
# the name, a path that still exists, unless the suite's index is newer or due.
debian_memo()
{
	local memo=$KESTREL_CACHE/memo/$1 stamp=$KESTREL_CACHE/apt/$2-$3/stamp value

	[ -e "$memo" ] && [ -e "$stamp" ] && [ -z "${DEBIAN_INDEX_FORCE-}" ] || return 1
	[ ! "$stamp" -nt "$memo" ] || return 1
	[ -z "$(find "$stamp" -mtime "+$DEBIAN_INDEX_DAYS")" ] || return 1
	value=$(cat "$memo")
	[ -e "$value" ] || return 1
	printf '%s\n' "$value"
}

# debian_memo_set NAME PATH: remember it, and print it.
debian_memo_set()
{
	mkdir -p "$KESTREL_CACHE/memo"
	printf '%s\n' "$2" >"$KESTREL_CACHE/memo/$1.$$"
	mv "$KESTREL_CACHE/memo/$1.$$" "$KESTREL_CACHE/memo/$1"
	printf '%s\n' "$2"
}

# debian_candidate APT_CONF PACKAGE: the version apt would install.
debian_candidate()
{
	local version

	version=$(APT_CONFIG=$1 apt-cache policy "$2" | awk '$1 == "Candidate:" { print $2; exit }')
	case $version in
	''|'(none)') die "package $2 is not in ${1%/apt.conf}" ;;
	esac
	printf '%s\n' "$version"
}

# debian_unpack APT_CONF DIRECTORY PACKAGE...: download the packages (name or
# name=version) and unpack their files into the directory, without scripts.
debian_unpack()
{
	local config=$1 directory=$2 download deb

	shift 2
	mkdir -p "$directory"
	download=$(mktemp -d "$KESTREL_CACHE/download.XXXXXX")
	say "downloading $*"
	(
		cd "$download"
		APT_CONFIG=$config apt-get -q download "$@" >log 2>&1 || { cat log >&2; exit 1; }
	) || { rm -rf "$download"; die "cannot download $*"; }
	for deb in "$download"/*.deb; do
		dpkg-deb -x "$deb" "$directory" || die "cannot unpack ${deb##*/}"
	done
	rm -rf "$download"
}

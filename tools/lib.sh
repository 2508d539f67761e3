# lib.sh - what ./run, ./test and the scripts beside this one share: installing what is missing,
# building, and telling how it goes.  To be sourced by bash; `root` is the checkout.
#
# Every long step is one line on the terminal and a whole log in build/log/NAME.log.  Nothing here
# asks a question.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
log_dir=$root/build/log
stamp_dir=$root/build/stamps
mkdir -p "$log_dir" "$stamp_dir"

packages_build=(gcc libc6-dev cmake ninja-build pkg-config libuv1-dev node-llhttp libnghttp2-dev
    libwslay-dev libssl-dev libsodium-dev libsqlite3-dev libudunits2-dev libcmocka-dev libcurl4-openssl-dev
    libutf8proc-dev zlib1g-dev ca-certificates tzdata)
packages_test=(clang clang-format clang-tidy libclang-rt-14-dev llvm-14 mosquitto-clients
    python3-paho-mqtt python3-influxdb sqlite3 oathtool libfaketime nghttp2-client curl openssl testssl.sh chromium fonts-dejavu-core git)

say() {
    printf '%s\n' "$*"
}

die() {
    printf 'doppel: %s\n' "$*" >&2
    exit 1
}

jobs_count() {
    local n
    n=${DOPPEL_JOBS:-$(nproc 2>/dev/null || echo 2)}
    echo "$n"
}

# ---- steps ----

step_pid=

step_interrupted() {
    [ -z "$step_pid" ] || kill "$step_pid" 2>/dev/null || true
    exit 130
}
trap step_interrupted INT TERM

# step NAME WHAT COMMAND...: run it without input and with its output in build/log/NAME.log.  What
# takes less than a second is not worth a line.  On a terminal the line shows the seconds and the
# last thing that was said; on failure the end of the log follows and the status is the command's.
step() {
    local name=$1 what=$2 log=$log_dir/$1.log start=$EPOCHREALTIME status=0 shown= last
    shift 2
    "$@" >"$log" 2>&1 </dev/null &
    step_pid=$!
    while kill -0 "$step_pid" 2>/dev/null; do
        if [ -n "$shown" ] || [ "$(seconds_since "$start")" -ge 1 ]; then
            if [ -t 1 ]; then
                last=$(tail -c 400 "$log" 2>/dev/null | tr '\r' '\n' | tail -n 1 | tr -cd '[:print:]' | cut -c 1-50)
                printf '\r\033[K  %s ... %s s  %s' "$what" "$(seconds_since "$start")" "$last"
            else
                [ -n "$shown" ] || say "  $what ..."
            fi
            shown=yes
        fi
        sleep 0.1
    done
    wait "$step_pid" || status=$?
    step_pid=
    [ -z "$shown" ] || [ ! -t 1 ] || printf '\r\033[K'
    if [ "$status" -ne 0 ]; then
        say "  $what: failed after $(seconds_since "$start") s; the end of $log:"
        tail -n 40 "$log" | sed 's/^/    /'
        return "$status"
    fi
    [ -z "$shown" ] || say "  $what: done in $(seconds_since "$start") s"
}

seconds_since() {
    echo $((${EPOCHREALTIME%[.,]*} - ${1%[.,]*}))
}

# ---- packages of the system ----

missing_packages() {
    local package
    declare -A installed=()
    while read -r package; do
        installed[${package%%:*}]=1
    done < <(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^ii  *//p')
    for package in "$@"; do
        [ -n "${installed[$package]:-}" ] || echo "$package"
    done
}

as_root=()
need_root() {
    [ "$(id -u)" -ne 0 ] || return 0
    local by_hand="install these as root, then start again:
    apt-get install --no-install-recommends $*"
    command -v sudo >/dev/null 2>&1 || die "packages are missing and there is no sudo here; $by_hand"
    if [ -t 0 ] && [ -t 1 ]; then
        say "  packages are missing; sudo may ask for your password"
        sudo -v || die "sudo was refused; $by_hand"
    else
        sudo -n true 2>/dev/null || die "packages are missing and sudo wants a password; $by_hand"
    fi
    as_root=(sudo -n)
}

apt_get() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@"
}

# need_packages PACKAGE...: install through apt what is not there; quick when all is.
need_packages() {
    local missing
    if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
        say "  this system has no apt; what the build needs is called in Debian 12: $*"
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    need_root "${missing[@]}"
    step apt-update "refreshing the list of packages" apt_get update ||
        die "apt-get update failed; is there a network, and is /etc/apt right?"
    step apt-install "installing ${#missing[@]} packages (${missing[*]:0:3} ...)" \
        apt_get install --no-install-recommends "${missing[@]}" ||
        die "apt-get could not install: ${missing[*]}"
}

# ---- Node.js and npm ----

node=
npm=(npm)

# The page's tools want Node 20.19 or 22.12 at least.
node_is_new() {
    "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number);
        process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)' 2>/dev/null
}

# The packages that Node.js and npm come from, where there are none.
node_packages() {
    command -v node >/dev/null 2>&1 || echo nodejs
    command -v npm >/dev/null 2>&1 || echo npm
}

# After this $node is a Node.js that is new enough, and npm can be called.
need_node() {
    local wanted system_node
    [ -z "$node" ] || return 0
    mapfile -t wanted < <(node_packages)
    [ ${#wanted[@]} -eq 0 ] || need_packages "${wanted[@]}"
    system_node=$(command -v node) || die "there is no node; install Node.js 20.19 or newer"
    if node_is_new "$system_node"; then
        node=$system_node
        return 0
    fi
    need_modules tools/node "Node.js (the system's is $("$system_node" --version))"
    # by its path: Debian's npm makes no link in .bin for it
    for node in "$root"/tools/node/node_modules/node-linux-*/bin/node; do
        ! node_is_new "$node" || break
    done
    node_is_new "$node" || die "the npm packages node-linux-* hold no Node.js for this machine ($(uname -m)); install Node.js 20.19 or newer"
    # an npm under an old Node.js leaves out, without a word, what is made for a newer one; and
    # Debian's npm runs under Debian's Node.js alone
    npm=("$node" "$root/tools/node/node_modules/npm/bin/npm-cli.js" --globalconfig /etc/npmrc)
    # what this machine trusts, Debian's Node.js trusts by itself; this one has to be told
    if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
        export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}
    fi
}

# need_modules DIR WHAT: npm ci in DIR when its lock file is not the one that was installed.
need_modules() {
    local dir=$root/$1 stamp=$stamp_dir/npm-${1//\//-} now
    now=$(sha256sum <"$dir/package-lock.json")
    if [ -d "$dir/node_modules" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$now" ]; then
        return 0
    fi
    step "npm-${1//\//-}" "fetching $2 from npm" env -C "$dir" \
        "${npm[@]}" ci --ignore-scripts --no-audit --no-fund --no-update-notifier ||
        die "npm could not fetch what $1/package-lock.json names"
    printf '%s\n' "$now" >"$stamp"
}

# The programs of a folder's node_modules, run by our $node.
node_tool() {
    local dir=$1 tool=$2
    shift 2
    env -C "$root/$dir" PATH="$(dirname "$node"):$PATH" "./node_modules/.bin/$tool" "$@"
}

# ---- what we build ----

# One number over everything that the page is made of.
web_sources() {
    (cd "$root/web" && "$node" --version &&
        find . \( -name node_modules -o -name dist -o -name dev \) -prune -o -type f -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum
}

build_web() {
    local now stamp=$stamp_dir/web
    need_node
    now=$(web_sources)
    if [ -f "$root/web/dist/index.html" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$now" ]; then
        return 0
    fi
    need_modules web "what the page is made of"
    step web "building the page" node_tool web vite build || die "the page could not be built"
    printf '%s\n' "$now" >"$stamp"
}

# What the demo replays: measured weather out of an npm package.
build_demo_data() {
    [ -f "$root/tools/demo-data/package-lock.json" ] || return 0
    need_node
    need_modules tools/demo-data "the demo's measured weather"
}

configure_and_build() {
    local preset=$1
    shift
    [ -f "$root/build/$preset/build.ninja" ] || cmake --preset "$preset"
    # ninja runs cmake again by itself
    cmake --build "$root/build/$preset" -j "$(jobs_count)" --target "$@"
}

# The passwords that are tried first, which the program refuses: every build has them inside.
build_passwords() {
    need_node
    need_modules tools/passwords "the list of common passwords"
}

# build_preset PRESET WHAT: silent when there is nothing to do.
build_preset() {
    local preset=$1 what=$2 targets=(all)
    build_passwords
    # what people run needs none of the tests; they are built for the sanitizers
    case $preset in
    release) targets=(doppel check_includes) ;;
    fuzz) targets=(fuzzers) ;;
    esac
    (cd "$root" && step "build-$preset" "building $what" configure_and_build "$preset" "${targets[@]}")
}

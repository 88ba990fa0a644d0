# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Completion of neap's command line in bash: commands, options, guests, images, values.

_neap() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} words=

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words='run list stop console resize top autosize --help'
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        return
    fi
    case $previous in
    --net) words='user tap: none' ;;
    --qemu)
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
        return
        ;;
    --name | --memory | --max | --min | --smp | --forward | --append | --timeout | --interval | --target)
        return
        ;;
    *)
        case $command in
        run) words='--name --memory --max --smp --net --forward --append --qemu --detach --help' ;;
        list) words='--quiet --help' ;;
        top) words='--once --interval --help' ;;
        stop | resize) words='--timeout --help' ;;
        console) words='--help' ;;
        autosize) words='--min --max --target --once --help' ;;
        esac
        ;;
    esac
    if [[ $current != -* ]]; then
        case $command in
        run)
            if [ -z "$words" ] || [ "$previous" != --net ]; then
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
                return
            fi
            ;;
        stop | console | resize | autosize)
            if [ "$COMP_CWORD" -eq 2 ]; then
                words=$("${COMP_WORDS[0]}" list --quiet 2>/dev/null)
            fi
            ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _neap neap

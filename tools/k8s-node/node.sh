#!/usr/bin/env bash
# node.sh FOLDER CGROUP ADDRESS SERVICES: process 1 of a node of Kubernetes, in namespaces of its own. It makes the machine
# look as a kubelet wants it, without changing the machine, prints its process id as others see it, and stays: what runs in
# here ends with it.
set -euo pipefail
folder=$1 cgroup=$2 address=$3 services=$4
# The process id outside, as long as /proc is still the machine's.
read -r pid _ </proc/self/stat

mkdir -p "$folder/own"
mount -t tmpfs tmpfs "$folder/own"
mkdir "$folder"/own/{cgroups,changed,work}
mount -t proc proc /proc
# A /sys of this network, with the machine's control groups in it.
mount --rbind /sys/fs/cgroup "$folder/own/cgroups"
mount -t sysfs sysfs /sys
mount --move "$folder/own/cgroups" /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/containerd
mount -t tmpfs tmpfs /var/log
# A kubelet and its network plug-ins write below /var/lib, whatever they are told.
mount -t overlay -o "lowerdir=/var/lib,upperdir=$folder/own/changed,workdir=$folder/own/work" overlay /var/lib
# A kubelet sets these for the whole machine, unless they are already what it wants.
show() {
  printf '%s\n' "$2" >"$folder/own/${1##*/}"
  mount --bind "$folder/own/${1##*/}" "/proc/sys/$1"
}
show vm/overcommit_memory 1
show vm/panic_on_oom 0
show kernel/panic 10
show kernel/panic_on_oops 1
show kernel/keys/root_maxkeys 1000000
show kernel/keys/root_maxbytes 25000000
# Volumes of pods are seen by whoever mounts them later; the machine's own mounts are in another namespace.
mount --make-rshared /
hostname node

ip link set lo up
# Stands for the network card; no way leads out.
ip link add node0 type bridge
ip addr add "$address/32" dev node0
ip link set node0 up
# Addresses of Services become those of pods before they leave. Everything else fails at once.
ip route add "$services" dev node0 src "$address"
ip route add unreachable default
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1

for controller in cpu cpuacct cpuset memory devices freezer blkio pids systemd; do
  mkdir -p "/sys/fs/cgroup/$controller/$cgroup"
done
for list in cpuset.cpus cpuset.mems; do
  cat "/sys/fs/cgroup/cpuset/$list" >"/sys/fs/cgroup/cpuset/$cgroup/$list"
done

echo "$pid"
# It also takes in the processes whose parents have gone.
while :; do
  sleep 3600 &
  wait $!
done

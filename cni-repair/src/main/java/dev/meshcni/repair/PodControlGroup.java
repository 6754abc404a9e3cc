// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The control group that the kubelet has made for a pod, on the path of a process in {@code /proc/PID/cgroup}
 * (cgroups(7)).
 *
 * <p>Below it are the groups of the pod's containers, and below those whatever a container makes, under names of its
 * own choice. So the outermost group that names a pod counts, and only where the kubelet makes such groups: below
 * {@code kubepods}, or close to the reader's own, where the path begins with nothing but {@code ..}. A user of the host
 * may make groups below {@code user.slice}.
 *
 * @param uid the pod's UID, with dashes if it has any
 * @param depth how many groups deeper the process is
 */
record PodControlGroup(String uid, int depth) {
    private static final Pattern POD = Pattern.compile(
            "(?<parent>.*-)?pod(?<uid>[0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12})(?:\\.slice)?");
    private static final Pattern KUBEPODS = Pattern.compile("(?:.*-)?kubepods(?:[-.].*)?");
    private static final Pattern OF_A_USER = Pattern.compile("user\\.slice|user-\\d+\\.slice|user@\\d+\\.service");
    private static final String UP = "..";

    /** The pod's group on the way to a process; empty if the process is in none. */
    static Optional<PodControlGroup> of(String path) {
        List<String> groups = List.of(path.substring(1).split("/", -1));
        for (int i = 0; i < groups.size(); i++) {
            Matcher pod = POD.matcher(groups.get(i));
            if (pod.matches()) {
                return isOfKubelet(groups.subList(0, i), groups.get(i))
                        ? Optional.of(new PodControlGroup(pod.group("uid").replace('_', '-'), groups.size() - 1 - i))
                        : Optional.empty();
            }
        }
        return Optional.empty();
    }

    private static boolean isOfKubelet(List<String> parents, String group) {
        return parents.stream().noneMatch(parent -> OF_A_USER.matcher(parent).matches())
                && (parents.stream().allMatch(UP::equals)
                        || KUBEPODS.matcher(group).matches()
                        || parents.stream()
                                .anyMatch(parent -> KUBEPODS.matcher(parent).matches()));
    }
}

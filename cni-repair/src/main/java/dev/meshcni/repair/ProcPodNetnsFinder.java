// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Finds pods by their processes, which are in the control group that the kubelet has made for their pod
 * ({@link PodControlGroup}).
 *
 * <p>Of a pod's processes the one counts that started first, directly in a container of the pod: it is the sandbox's
 * own where the runtime has one. Processes that containers inside the pod have started sit deeper and do not count, and
 * a namespace that is the host's own is never a pod's.
 */
public final class ProcPodNetnsFinder implements PodNetnsFinder {
    private static final Path HOST_PROC = Path.of("/host/proc");
    private static final Path PROC = Path.of("/proc");
    private static final int START_TIME = 19;

    private record Candidate(String uid, int depth, long startTime, long pid, Path directory) {}

    private final Path proc;

    /** @param proc where the host's {@code /proc} is found */
    ProcPodNetnsFinder(Path proc) {
        this.proc = requireNonNull(proc, "proc is null");
    }

    /** The host's processes, in a container that has the host's {@code /proc} mounted as on the host itself. */
    public static ProcPodNetnsFinder ofHost() {
        return new ProcPodNetnsFinder(Files.isDirectory(HOST_PROC) ? HOST_PROC : PROC);
    }

    @Override
    public Map<String, PodNetns> find(Set<String> podUids) {
        String host = hostNamespace();
        Map<String, List<Candidate>> byPod = new HashMap<>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(proc, "[0-9]*")) {
            for (Path process : processes) {
                candidate(process)
                        .filter(found -> podUids.contains(found.uid()))
                        .ifPresent(found -> byPod.computeIfAbsent(found.uid(), _ -> new ArrayList<>())
                                .add(found));
            }
        } catch (IOException e) {
            throw new DaemonException(proc + " cannot be read: " + e.getMessage(), e);
        }
        Map<String, PodNetns> found = new HashMap<>();
        byPod.forEach((uid, candidates) -> first(candidates, host).ifPresent(netns -> found.put(uid, netns)));
        return found;
    }

    @Override
    public boolean isStill(PodNetns netns) {
        Optional<Long> startTime = startTime(proc.resolve(String.valueOf(netns.pid())));
        return startTime.isPresent() && startTime.get() == netns.startTime();
    }

    private static Optional<PodNetns> first(List<Candidate> candidates, String host) {
        Optional<Candidate> first = candidates.stream()
                .min(Comparator.comparingInt(Candidate::depth)
                        .thenComparingLong(Candidate::startTime)
                        .thenComparingLong(Candidate::pid));
        return first.filter(candidate -> namespace(candidate.directory())
                        .filter(namespace -> !namespace.equals(host))
                        .isPresent())
                .map(candidate -> new PodNetns(
                        PROC.resolve(String.valueOf(candidate.pid())).resolve("ns/net"),
                        candidate.pid(),
                        candidate.startTime()));
    }

    private String hostNamespace() {
        return namespace(proc.resolve("1"))
                .orElseThrow(() -> new DaemonException("cannot distinguish the network namespace of the host from"
                        + " those of pods, because " + proc.resolve("1/ns/net") + " cannot be read (it takes root; in"
                        + " the daemon's pod hostPID or the host's /proc at " + HOST_PROC
                        + ", and the capability SYS_PTRACE)"));
    }

    /** A process that exits during the inspection is ignored. */
    private static Optional<Candidate> candidate(Path process) {
        Set<PodControlGroup> groups = lines(process.resolve("cgroup")).stream()
                .map(line -> line.substring(line.lastIndexOf(':') + 1))
                .filter(path -> path.startsWith("/"))
                .flatMap(path -> PodControlGroup.of(path).stream())
                .collect(Collectors.toUnmodifiableSet());
        // Each hierarchy of version 1 has a line of its own, and all of them lead to the same pod.
        if (groups.stream().map(PodControlGroup::uid).distinct().count() != 1) {
            return Optional.empty();
        }
        PodControlGroup group = groups.stream()
                .min(Comparator.comparingInt(PodControlGroup::depth))
                .orElseThrow();
        long pid = Long.parseLong(process.getFileName().toString());
        return startTime(process).map(start -> new Candidate(group.uid(), group.depth(), start, pid, process));
    }

    private static Optional<String> namespace(Path process) {
        try {
            return Optional.of(Files.readSymbolicLink(process.resolve("ns/net")).toString());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** The 22nd field of {@code stat} (proc_pid_stat(5)), counted behind the name, which may hold anything. */
    private static Optional<Long> startTime(Path process) {
        return lines(process.resolve("stat")).stream()
                .findFirst()
                .map(line -> line.substring(line.lastIndexOf(')') + 1).strip().split(" ", -1))
                .filter(fields -> fields.length > START_TIME)
                .map(fields -> Long.parseLong(fields[START_TIME]));
    }

    /** Names in these files are bytes of anyone's choice. */
    private static List<String> lines(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1)
                    .lines()
                    .toList();
        } catch (IOException e) {
            return List.of();
        }
    }
}

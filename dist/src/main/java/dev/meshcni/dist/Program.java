// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A program of the distribution that runs on its JVM. Why it has the options that it has is in
 * docs/decisions/0005-one-tree-with-its-own-runtime.md and 0016-memory-and-time-of-the-agent.md.
 *
 * @param fileName the name of its launcher in {@code bin/}
 * @param mainClass module, slash, class
 * @param cache its AOT cache, relative to the distribution
 * @param options the JVM options that it runs with
 */
public record Program(String fileName, String mainClass, Path cache, List<String> options) {
    /**
     * The distribution, wherever it lies: the launchers open its directory as file 9. A module path is written into the
     * AOT cache as it is given, so one with the real directory would end the cache's validity with the first copy of
     * the tree.
     */
    private static final String HERE = "/proc/self/fd/9";

    /** The daemon's heap where its memory is not limited; its launcher takes another one where it is. */
    static final String DAEMON_HEAP = "-Xmx96m";

    /** Automatic modules cannot say what they require, so nothing but this brings it in. */
    private static final String ALL_MODULES = "--add-modules=ALL-MODULE-PATH,java.net.http";

    public static final Program INSTALL_CNI = new Program(
            "install-cni",
            "dev.meshcni.daemon/dev.meshcni.daemon.InstallCni",
            Path.of("lib/install-cni.aot"),
            List.of(
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-XX:CompileThresholdScaling=0.02",
                    // The cache where it was made for: at any other address each of its pages is rewritten.
                    "-XX:+UnlockDiagnosticVMOptions",
                    "-XX:ArchiveRelocationMode=0",
                    "-Xms16m",
                    DAEMON_HEAP,
                    "-Xmn4m",
                    "-XX:SurvivorRatio=2",
                    "-XX:-ShrinkHeapInSteps",
                    "-XX:MinHeapFreeRatio=10",
                    "-XX:MaxHeapFreeRatio=20",
                    "-XX:TrimNativeHeapInterval=5000",
                    "-XX:+ExitOnOutOfMemoryError",
                    "-XX:-UsePerfData",
                    "-XX:-CreateCoredumpOnCrash",
                    "-XX:+ErrorFileToStderr",
                    "-XX:+DisplayVMOutputToStderr",
                    "-Xlog:disable",
                    // A copy of the tree whose files have other times has no valid cache: that costs time and is no
                    // error.
                    "-Xlog:all=error,aot*=off,cds*=off:stderr",
                    "-Djna.boot.library.path=" + HERE + "/runtime/lib",
                    // There is nothing to unpack, and so nothing to clear in a /tmp that may be read-only.
                    "-Djna.nounpack=true",
                    "--enable-native-access=com.sun.jna,dev.meshcni.host.linux",
                    "--module-path=" + HERE + "/lib",
                    ALL_MODULES));

    public static final Program MESHCNI = new Program(
            "meshcni",
            "dev.meshcni.cli/dev.meshcni.cli.Meshcni",
            Path.of("cli/meshcni.aot"),
            List.of(
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-XX:-UsePerfData",
                    "-XX:-CreateCoredumpOnCrash",
                    "-XX:+ErrorFileToStderr",
                    "-XX:+DisplayVMOutputToStderr",
                    "-Xlog:disable",
                    "-Djna.boot.library.path=" + HERE + "/runtime/lib",
                    // There is nothing to unpack, and so nothing to clear in a /tmp that may be read-only.
                    "-Djna.nounpack=true",
                    "--enable-native-access=com.sun.jna,dev.meshcni.host.linux",
                    "--module-path=" + HERE + "/lib:" + HERE + "/cli",
                    ALL_MODULES));

    static final List<Program> ALL = List.of(INSTALL_CNI, MESHCNI);

    public Program {
        requireNonNull(fileName, "fileName is null");
        requireNonNull(mainClass, "mainClass is null");
        requireNonNull(cache, "cache is null");
        options = List.copyOf(options);
    }

    /** The command that runs it from {@code dist}, with {@code extra} options of the JVM. */
    public List<String> command(Path dist, List<String> extra) {
        List<String> command =
                new ArrayList<>(List.of("/bin/sh", "-c", "exec 9<\"$0\" && exec \"$@\"", dist.toString()));
        command.add(dist.resolve("runtime/bin/java").toString());
        command.addAll(options);
        command.addAll(extra);
        command.add("-m");
        command.add(mainClass);
        return command;
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.dist.AotCache;
import dev.meshcni.dist.ModuleSplit;
import dev.meshcni.dist.Program;
import dev.meshcni.dist.RuntimeImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.tools.ToolProvider;

/**
 * The least that a plugin on a JVM can cost: one that starts, connects to the agent's socket and exits, with the
 * options that start it fastest and an AOT cache of its own, in an image with nothing else in it.
 */
final class BareJvm {
    private static final String MODULE = "dev.meshcni.bare";
    private static final Program PROGRAM = new Program(
            "bare",
            MODULE + "/" + MODULE + ".Bare",
            Path.of("runtime/lib/bare.aot"),
            List.of(
                    "-Xint",
                    "-Djdk.reflect.useNativeAccessorOnly=true",
                    "-XX:+UseSerialGC",
                    "-Xmx32m",
                    "-Xrs",
                    "-XX:-UseContainerSupport",
                    "-XX:-UsePerfData",
                    "-XX:+DisableAttachMechanism",
                    "-XX:-CreateCoredumpOnCrash",
                    "-Xlog:disable"));

    private final Path tree;
    private final Path socket;

    private BareJvm(Path tree, Path socket) {
        this.tree = tree;
        this.socket = socket;
    }

    static BareJvm make(Path directory, Path socket) throws IOException {
        Path tree = Files.createDirectories(directory.resolve("bare"));
        Path scratch = Files.createDirectories(directory.resolve("bare.scratch"));
        RuntimeImage.link(
                new ModuleSplit(Map.of(MODULE, compile(scratch)), Map.of(), Map.of(), Set.of("java.base")),
                tree.resolve("runtime"),
                scratch);
        Path classList = scratch.resolve("bare.0.classes");
        List<String> training = PROGRAM.command(tree, AotCache.recording(classList));
        training.add(socket.toString());
        new ChildProcess(training, Map.of(), Path.of("/dev/null")).run();
        AotCache.make(PROGRAM, tree, List.of(classList), scratch);
        return new BareJvm(tree, socket);
    }

    /** The command that runs it. */
    List<String> command() {
        List<String> command =
                new ArrayList<>(List.of(tree.resolve("runtime/bin/java").toString()));
        command.addAll(PROGRAM.options());
        command.addAll(List.of("-XX:AOTCache=" + tree.resolve(PROGRAM.cache()), "-m", PROGRAM.mainClass()));
        command.add(socket.toString());
        return command;
    }

    private static Path compile(Path scratch) throws IOException {
        Path source = Files.writeString(scratch.resolve("Bare.java"), """
                package dev.meshcni.bare;

                import java.net.UnixDomainSocketAddress;
                import java.nio.channels.SocketChannel;

                public final class Bare {
                    public static void main(String[] args) throws Exception {
                        SocketChannel.open(UnixDomainSocketAddress.of(args[0])).close();
                        Runtime.getRuntime().halt(0);
                    }
                }
                """, UTF_8);
        Path descriptor = Files.writeString(
                scratch.resolve("module-info.java"), "module %s { exports %s; }".formatted(MODULE, MODULE), UTF_8);
        Path classes = scratch.resolve("classes");
        int exit = ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, "-d", classes.toString(), descriptor.toString(), source.toString());
        if (exit != 0) {
            throw new BenchException("the bare JVM's class does not compile");
        }
        return classes;
    }
}

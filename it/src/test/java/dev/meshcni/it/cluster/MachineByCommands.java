// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import dev.meshcni.it.Command;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;

/** A node that is reached by the commands that the caller names. */
final class MachineByCommands implements NodeMachine {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String CTR = "ctr --namespace k8s.io";

    @Override
    public Command.Result result(String... line) {
        return onNode(line).result();
    }

    @Override
    public String containerd(String... arguments) {
        return ctr(arguments).run();
    }

    @Override
    public void importImage(Path archive) {
        try {
            ctr("images", "import", "-").input(Files.readAllBytes(archive)).run();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + archive, e);
        }
    }

    @Override
    public Switch power() {
        return between(Setting.MESHCNI_NODE_DOWN, Setting.MESHCNI_NODE_UP);
    }

    @Override
    public Switch apiServer() {
        return between(Setting.MESHCNI_API_DOWN, Setting.MESHCNI_API_UP);
    }

    private static Command ctr(String... arguments) {
        String client = Setting.MESHCNI_NODE_CTR.value().orElse(CTR);
        return onNode(Stream.concat(Stream.of(client.split(" ", -1)), Stream.of(arguments))
                .toArray(String[]::new));
    }

    private static Command onNode(String... line) {
        return shell(Setting.MESHCNI_NODE_EXEC.needed() + " \"$@\"", line);
    }

    private static Switch between(Setting off, Setting on) {
        String down = off.needed();
        String up = on.needed();
        return new Switch() {
            @Override
            public void off() {
                shell(down).run();
            }

            @Override
            public void on() {
                shell(up).run();
            }
        };
    }

    private static Command shell(String script, String... arguments) {
        return Command.of(Stream.concat(Stream.of("sh", "-c", script, "sh"), Stream.of(arguments))
                        .toArray(String[]::new))
                .within(PATIENCE);
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.demo;

import dev.meshcni.core.AgentProtocol;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The agent of the demonstration: the real daemon, in a process of its own. */
final class DemoAgent implements AutoCloseable {
    private static final int START_MILLIS = 30_000;
    private static final int STOP_SECONDS = 10;
    private static final int POLL_MILLIS = 20;

    private final Process process;
    private final Path log;

    private DemoAgent(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    static DemoAgent start(Path programs, DemoStage stage) throws InterruptedException {
        Path program = programs.resolve("install-cni");
        try {
            Process process = new ProcessBuilder(
                            program.toString(),
                            "--no-install",
                            "--pod-manifest-dir",
                            stage.manifests().toString(),
                            "--cni-agent-run-dir",
                            stage.runDirectory().toString())
                    .redirectErrorStream(true)
                    .redirectOutput(stage.agentLog().toFile())
                    .start();
            DemoAgent agent = new DemoAgent(process, stage.agentLog());
            agent.awaitSocket(stage);
            return agent;
        } catch (IOException e) {
            throw new DemoException(program + " cannot be started: " + e.getMessage() + "; build it with ./dev build");
        }
    }

    /** The lines logged so far. */
    Stream<String> log() {
        try {
            return Files.readAllLines(log).stream();
        } catch (IOException e) {
            throw new DemoException("the agent's log cannot be read: " + e.getMessage());
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private void awaitSocket(DemoStage stage) throws IOException, InterruptedException {
        Path socket = stage.runDirectory().resolve(AgentProtocol.SOCKET_NAME);
        for (int waited = 0; !Files.exists(socket); waited += POLL_MILLIS) {
            if (!process.isAlive() || waited > START_MILLIS) {
                close();
                throw new DemoException("the agent did not start:\n" + Files.readString(log));
            }
            Thread.sleep(POLL_MILLIS);
        }
    }
}

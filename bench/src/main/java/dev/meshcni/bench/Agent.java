// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.core.AgentProtocol;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The distribution's {@code install-cni}, as a process that installs nothing and answers on a socket. */
final class Agent implements AutoCloseable {
    private static final int START_POLLS = 300;
    private static final int POLL_MILLIS = 100;
    private static final int END_SECONDS = 10;
    private static final int CLEARING_UP_MILLIS = 200;
    private static final int RESTING_MILLIS = 7000;
    private static final double KIB_PER_MIB = 1024;

    private final Process process;
    private final Scratch run;
    private final Path log;

    private Agent(Process process, Scratch run, Path log) {
        this.process = process;
        this.run = run;
        this.log = log;
    }

    /**
     * Starts it, and waits until it answers.
     *
     * @param directory where it gets its log; its run directory is in memory, as that of a node is
     * @param pods the options that say where its pods come from
     */
    static Agent start(Path dist, Path directory, List<String> pods) throws IOException {
        Scratch run = Scratch.inMemory();
        Path log = directory.resolve("log");
        List<String> command =
                new ArrayList<>(List.of(dist.resolve("bin/install-cni").toString(), "--no-install"));
        command.add("--cni-agent-run-dir=" + run.directory());
        command.add("--log-level=warn");
        command.addAll(pods);
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        Agent agent = new Agent(process, run, log);
        try {
            agent.awaitSocket();
            return agent;
        } catch (IOException | RuntimeException e) {
            agent.close();
            throw e;
        }
    }

    /** The directory that a network configuration names it by. */
    Path runDirectory() {
        return run.directory();
    }

    Path socket() {
        return runDirectory().resolve(AgentProtocol.SOCKET_NAME);
    }

    /**
     * Speaks to it as the plugin does.
     *
     * @return milliseconds from connecting to the end of its reply
     * @throws BenchException if it reports an error
     */
    double call(AgentProtocol.Request request) throws IOException {
        long start = System.nanoTime();
        AgentProtocol.Reply reply;
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket()))) {
            AgentProtocol.write(channel, request);
            reply = AgentProtocol.readReply(channel);
        }
        double millis = (System.nanoTime() - start) / (double) TimeUnit.MILLISECONDS.toNanos(1);
        if (reply.exitCode() != 0) {
            throw new BenchException(
                    request.environment().get("CNI_COMMAND") + ": " + new String(reply.stdout(), UTF_8));
        }
        return millis;
    }

    /** Its resident memory in MiB. */
    double memory() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + process.pid() + "/status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / KIB_PER_MIB)
                    .sum();
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        try {
            run.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void awaitSocket() throws IOException {
        for (int poll = 0; !Files.exists(socket()); poll++) {
            if (poll == START_POLLS || !process.isAlive()) {
                throw new BenchException("the agent does not start: " + Files.readString(log));
            }
            pause(POLL_MILLIS);
        }
    }

    /**
     * Waits until the kernel has cleared up what a DEL took out and a namespace that has ended, which takes it some ten
     * milliseconds, with locks that an ADD needs.
     */
    static void letTheKernelClearUp() {
        pause(CLEARING_UP_MILLIS);
    }

    /** Waits until the agent has given back what it needs no more, which it does after seconds without a call. */
    static void letTheAgentRest() {
        pause(RESTING_MILLIS);
    }

    static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }
}

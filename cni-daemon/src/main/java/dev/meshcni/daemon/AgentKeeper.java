// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.install.AgentQuestion;
import dev.meshcni.install.InstallErrors;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that plugins find an agent: the one that started last, as long as it lives.
 *
 * <p>While a daemon is replaced two of them can run, and the newer one takes the socket's file. If it then dies, as a
 * release that does not work on this node does, the older one takes the file back, so that pods do not wait for an
 * agent that is there. It does the same when the file was deleted.
 */
final class AgentKeeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AgentKeeper.class);

    private static final Duration INTERVAL = Duration.ofSeconds(1);

    /**
     * The number of times that a newer agent is found silent before it counts as dead: it may be about to take its own
     * file back.
     */
    private static final int SILENCE = 5;

    private final AgentServer agent;
    private final Path runDirectory;
    private final ScheduledExecutorService worker = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("agent-keeper").factory());
    private boolean superseded;
    private int silent;

    private AgentKeeper(AgentServer agent) {
        this.agent = requireNonNull(agent, "agent is null");
        this.runDirectory = agent.socket().getParent();
    }

    /** Starts to monitor an agent's socket. */
    static AgentKeeper start(AgentServer agent) {
        return start(agent, INTERVAL);
    }

    static AgentKeeper start(AgentServer agent, Duration interval) {
        AgentKeeper keeper = new AgentKeeper(agent);
        Future<?> _ = keeper.worker.scheduleWithFixedDelay(
                keeper::look, interval.toMillis(), interval.toMillis(), TimeUnit.MILLISECONDS);
        return keeper;
    }

    @Override
    public void close() {
        // Connecting to an agent that no longer accepts blocks once its backlog is full: interrupted.
        worker.shutdownNow();
        worker.close();
    }

    private void look() {
        if (agent.isFound()) {
            superseded = false;
            return;
        }
        if (new AgentQuestion(runDirectory).isAnswered()) {
            superseded = true;
            silent = 0;
            return;
        }
        silent++;
        if (worker.isShutdown() || (superseded && silent < SILENCE)) {
            return;
        }
        try {
            agent.reopen();
            LOG.warn(
                    superseded
                            ? "the agent that took over no longer answers; this agent listens on {} again"
                            : "{} was deleted by another process; socket recreated",
                    agent.socket());
            superseded = false;
        } catch (IOException e) {
            LOG.error(InstallErrors.usingRunDirectory(runDirectory, e).getMessage());
        }
    }
}

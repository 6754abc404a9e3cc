// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import dev.meshcni.core.MalformedFrameException;
import dev.meshcni.install.InstallErrors;
import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.function.BiConsumer;
import jdk.net.ExtendedSocketOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The agent's socket: {@code agent.sock} in the run directory, for root alone.
 *
 * <p>Each connection carries one request and has a thread to itself, so that a pod that waits delays no other; a
 * connection that says nothing, or never ends, is closed at its deadline. Nothing that a client sends, or leaves out,
 * stops the server.
 */
public final class AgentServer implements AutoCloseable {
    /**
     * The maximum number of concurrent connections; further ones are closed, and their plugins tell the runtime to
     * retry.
     */
    static final int MAX_CONNECTIONS = 1024;

    private static final Logger LOG = LoggerFactory.getLogger(AgentServer.class);
    private static final Duration TRANSFER_TIME = Duration.ofSeconds(10);

    private final AgentSocket socket;
    private final UserPrincipal root;
    private final CallHandler handler;
    private final Duration callTime;
    private final Semaphore places = new Semaphore(MAX_CONNECTIONS);
    private final BiConsumer<Answer, Duration> log;
    private final TransferDeadlines deadlines;
    private Acceptors acceptors;
    private boolean closed;

    private AgentServer(
            AgentSocket socket,
            UserPrincipal root,
            CallHandler handler,
            Duration callTime,
            BiConsumer<Answer, Duration> log)
            throws IOException {
        this.socket = socket;
        this.root = root;
        this.handler = handler;
        this.callTime = callTime;
        this.log = log;
        ServerSocketChannel server = socket.bind();
        this.deadlines = new TransferDeadlines(TRANSFER_TIME);
        this.acceptors = Acceptors.start(server, this::admit);
    }

    /**
     * Opens the socket, in place of one that an earlier agent left, and starts to answer.
     *
     * @param runDirectory made when it is missing; closed to all but root
     * @param handler what answers
     * @param callTime how long one call may take in all
     * @throws DaemonException if the socket cannot be opened
     */
    public static AgentServer start(Path runDirectory, CallHandler handler, Duration callTime) {
        requireNonNull(handler, "handler is null");
        requireNonNull(callTime, "callTime is null");
        return start(runDirectory, handler, callTime, AgentServer::log);
    }

    /** Opens the socket likewise, for calls that nobody needs to know of. */
    static AgentServer startInSilence(Path runDirectory, CallHandler handler, Duration callTime) {
        return start(runDirectory, handler, callTime, (_, _) -> {});
    }

    private static AgentServer start(
            Path runDirectory, CallHandler handler, Duration callTime, BiConsumer<Answer, Duration> log) {
        try {
            UserPrincipal root =
                    runDirectory.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("root");
            return new AgentServer(new AgentSocket(runDirectory), root, handler, callTime, log);
        } catch (IOException e) {
            throw InstallErrors.usingRunDirectory(runDirectory, e);
        }
    }

    /** The path of the socket. */
    public Path socket() {
        return socket.path();
    }

    /** Returns whether plugins find this agent, and not a newer one or none. */
    public boolean isFound() {
        return socket.isOurs();
    }

    /** Recreates the socket file after another agent has replaced it or it was removed. */
    synchronized void reopen() throws IOException {
        if (closed) {
            return;
        }
        Acceptors unreachable = acceptors;
        acceptors = Acceptors.start(socket.bind(), this::admit);
        unreachable.close();
    }

    /**
     * Stops to accept. The socket's file stays: the next agent renames its own over it, and until then it refuses
     * connections, which the plugin answers as it does when there is none.
     */
    @Override
    public synchronized void close() {
        closed = true;
        try {
            acceptors.close();
        } catch (IOException e) {
            LOG.warn("error closing {}: {}", socket(), e.toString());
        } finally {
            deadlines.close();
        }
    }

    private void admit(SocketChannel client) {
        try (client) {
            if (!places.tryAcquire()) {
                LOG.warn(
                        "connection limit of {} reached, rejecting connection with \"try again later\"",
                        MAX_CONNECTIONS);
                return;
            }
            try {
                serve(client);
            } finally {
                places.release();
            }
        } catch (MalformedFrameException e) {
            LOG.warn("request rejected: {}", e.getMessage());
        } catch (IOException e) {
            LOG.debug("client disconnected before the call completed: {}", e.toString());
        } catch (RuntimeException e) {
            LOG.error("unexpected error handling CNI call", e);
        }
    }

    private void serve(SocketChannel client) throws IOException {
        if (!client.getOption(ExtendedSocketOptions.SO_PEERCRED).user().equals(root)) {
            LOG.warn("connection rejected: client is not root");
            return;
        }
        AgentProtocol.Request call;
        try (TransferDeadlines.Transfer _ = deadlines.begin(client)) {
            call = AgentProtocol.readRequest(client);
        }
        long start = System.nanoTime();
        Answer answer = handler.handle(call, callTime);
        log.accept(answer, Duration.ofNanos(System.nanoTime() - start));
        try (TransferDeadlines.Transfer _ = deadlines.begin(client)) {
            AgentProtocol.write(client, answer.reply());
        }
    }

    private static void log(Answer answer, Duration time) {
        boolean failed = answer.outcome() == Answer.Outcome.FAILED || answer.outcome() == Answer.Outcome.RETRY;
        // An older agent asks every second while both run.
        Level usual = answer.command().equals("VERSION") ? Level.DEBUG : Level.INFO;
        LOG.atLevel(failed ? Level.WARN : usual)
                .addKeyValue("command", answer.command())
                .addKeyValue("pod", answer.pod())
                .addKeyValue("outcome", answer.outcome().label())
                .addKeyValue("ms", Math.round(time.toNanos() / 1e5) / 10.0)
                .log(answer.reason());
    }
}

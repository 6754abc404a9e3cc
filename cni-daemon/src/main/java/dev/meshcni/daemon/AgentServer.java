package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import dev.meshcni.core.MalformedFrameException;
import dev.meshcni.install.InstallTrouble;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import jdk.net.ExtendedSocketOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The agent's socket: {@code agent.sock} in the run directory, for root alone.
 *
 * <p>Each connection carries one request and has a thread of its own, so that a pod that waits delays no other; a
 * connection that says nothing, or never ends, is closed at its deadline. Nothing that a client sends, or leaves out, stops
 * the server.
 */
public final class AgentServer implements AutoCloseable {
    /**
     * The maximum number of concurrent connections; further ones are closed, and their plugins tell the runtime to
     * retry.
     */
    static final int MAX_CONNECTIONS = 1024;

    private static final Logger LOG = LoggerFactory.getLogger(AgentServer.class);
    private static final Duration TRANSFER_TIME = Duration.ofSeconds(10);
    private static final Duration ACCEPT_PAUSE = Duration.ofMillis(100);

    private final AgentSocket socket;
    private final UserPrincipal root;
    private final CallHandler handler;
    private final Duration callTime;
    private final Semaphore places = new Semaphore(MAX_CONNECTIONS);
    private final ScheduledThreadPoolExecutor deadlines;
    private ServerSocketChannel server;
    private Thread acceptor;
    private boolean closed;

    /** A handler of plugin calls. */
    @FunctionalInterface
    public interface CallHandler {
        /** Answers a call within a time. */
        Answer handle(AgentProtocol.Request call, Duration budget);
    }

    private AgentServer(AgentSocket socket, UserPrincipal root, CallHandler handler, Duration callTime)
            throws IOException {
        this.socket = socket;
        this.root = root;
        this.handler = handler;
        this.callTime = callTime;
        this.deadlines = new ScheduledThreadPoolExecutor(
                1, Thread.ofPlatform().daemon().name("agent-deadlines").factory());
        // A deadline that was met must not keep its connection in memory until it would have been over.
        this.deadlines.setRemoveOnCancelPolicy(true);
        this.server = socket.bind();
        this.acceptor = accepting(server);
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
        try {
            UserPrincipal root =
                    runDirectory.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("root");
            return new AgentServer(new AgentSocket(runDirectory), root, handler, callTime);
        } catch (IOException e) {
            throw InstallTrouble.usingRunDirectory(runDirectory, e);
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
        ServerSocketChannel unreachable = server;
        server = socket.bind();
        acceptor = accepting(server);
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
            server.close();
            acceptor.join();
        } catch (IOException e) {
            LOG.warn("error closing {}: {}", socket(), e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            deadlines.shutdown();
        }
    }

    private Thread accepting(ServerSocketChannel clients) {
        return Thread.ofPlatform().name("agent-accept").start(() -> acceptAll(clients));
    }

    private void acceptAll(ServerSocketChannel clients) {
        while (clients.isOpen()) {
            try {
                SocketChannel client = clients.accept();
                Thread.ofVirtual().name("agent-call").start(() -> admit(client));
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                LOG.warn("error accepting a connection on {}: {}", socket(), e.toString());
                pause();
            }
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
        Future<?> cut = cutAfter(client, TRANSFER_TIME);
        try {
            call = AgentProtocol.readRequest(client);
        } finally {
            cut.cancel(false);
        }
        long start = System.nanoTime();
        Answer answer = handler.handle(call, callTime);
        log(answer, Duration.ofNanos(System.nanoTime() - start));
        cut = cutAfter(client, TRANSFER_TIME);
        try {
            AgentProtocol.write(client, answer.reply());
        } finally {
            cut.cancel(false);
        }
    }

    private Future<?> cutAfter(SocketChannel client, Duration time) {
        return deadlines.schedule(() -> cut(client), time.toMillis(), TimeUnit.MILLISECONDS);
    }

    private static void cut(SocketChannel client) {
        try {
            client.close();
        } catch (IOException e) {
            LOG.debug("error closing connection after its deadline: {}", e.toString());
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

    private static void pause() {
        try {
            Thread.sleep(ACCEPT_PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

package dev.meshcni.cli;

import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.AgentlessPlugin;
import dev.meshcni.host.linux.RootPath;
import dev.meshcni.host.linux.SocketPeer;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The plugin {@code istio-cni}, as a container runtime starts it: hands its environment and standard input to the agent and
 * prints the agent's answer.
 *
 * <p>A process of this class is started for each pod, so it loads as little as it can: whatever is not needed to reach the
 * agent stands in {@link WithoutAgent}, which is loaded when the agent does not answer.
 */
public final class IstioCni {
    private static final String DEFAULT_RUN_DIRECTORY = "/var/run/istio-cni";
    private static final int TIME_FOR_ADD_MILLIS = 90_000;
    private static final int TIME_FOR_DEL_MILLIS = 5_000;
    private static final int TIME_FOR_VERSION_INPUT_MILLIS = 1_000;

    private IstioCni() {}

    /** Answers one call, and ends the process with its exit code. */
    public static void main(String[] args) {
        AgentProtocol.Reply reply;
        try (InputStream stdin = new FileInputStream(FileDescriptor.in)) {
            reply = answer(System.getenv(), stdin);
        } catch (IOException e) {
            reply = AgentlessPlugin.unreadableInput(String.valueOf(e.getMessage()));
        }
        try (FileOutputStream stdout = new FileOutputStream(FileDescriptor.out)) {
            stdout.write(reply.stdout());
        } catch (IOException e) {
            Runtime.getRuntime().halt(1);
        }
        Runtime.getRuntime().halt(reply.exitCode());
    }

    /** Answers one call; whatever goes wrong is part of the answer. */
    static AgentProtocol.Reply answer(Map<String, String> variables, InputStream stdin) throws IOException {
        Map<String, String> environment = new HashMap<>();
        variables.forEach((name, value) -> {
            if (name.startsWith("CNI_")) {
                environment.put(name, value);
            }
        });
        String command = environment.get("CNI_COMMAND");
        if ("VERSION".equals(command)) {
            return AgentlessPlugin.version(
                    TopLevelText.find(soonRead(stdin), "cniVersion").orElse(""));
        }
        byte[] config = stdin.readNBytes(AgentProtocol.MAX_STREAM + 1);
        if (config.length > AgentProtocol.MAX_STREAM) {
            return AgentlessPlugin.unreadableInput("more than " + AgentProtocol.MAX_STREAM + " bytes");
        }
        AgentProtocol.Request call = new AgentProtocol.Request(environment, config);
        String runDirectory = runDirectory(config);
        try {
            return askAgent(call, runDirectory);
        } catch (IOException | InvalidPathException e) {
            return WithoutAgent.answer(call, runDirectory, reason(e));
        }
    }

    /** What comes with VERSION. Runtimes close standard input; a person at a terminal need not. */
    private static byte[] soonRead(InputStream stdin) {
        AtomicReference<byte[]> read = new AtomicReference<>(new byte[0]);
        Thread reader = new Thread(() -> {
            try {
                read.set(stdin.readNBytes(AgentProtocol.MAX_STREAM));
            } catch (IOException e) {
                read.set(new byte[0]);
            }
        });
        reader.setDaemon(true);
        reader.start();
        try {
            reader.join(TIME_FOR_VERSION_INPUT_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return read.get();
    }

    /** Asks whoever listens, once it is certain that only root can have put the socket there, and that root listens. */
    private static AgentProtocol.Reply askAgent(AgentProtocol.Request request, String runDirectory) throws IOException {
        int time = "DEL".equals(request.environment().get("CNI_COMMAND")) ? TIME_FOR_DEL_MILLIS : TIME_FOR_ADD_MILLIS;
        Path socket = RootPath.privateDirectory(Path.of(runDirectory)).resolve(AgentProtocol.SOCKET_NAME);
        try (SocketChannel agent = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            cutAfter(agent, time);
            SocketPeer.requireRoot(agent);
            AgentProtocol.write(agent, request);
            return AgentProtocol.readReply(agent);
        } catch (IOException e) {
            throw new IOException(socket + ": " + reason(e), e);
        }
    }

    private static String runDirectory(byte[] config) {
        return TopLevelText.find(config, "cni_agent_run_dir")
                .filter(directory -> !directory.isEmpty())
                .orElse(DEFAULT_RUN_DIRECTORY);
    }

    /** A blocking read of a socket has no time limit of its own, so another thread closes it. */
    private static void cutAfter(SocketChannel agent, int millis) {
        Thread watch = new Thread(() -> {
            try {
                Thread.sleep(millis);
                agent.close();
            } catch (InterruptedException | IOException e) {
                Runtime.getRuntime().halt(1);
            }
        });
        watch.setDaemon(true);
        watch.start();
    }

    private static String reason(Exception failure) {
        String message = failure.getMessage();
        return message == null ? failure.getClass().getSimpleName() : message;
    }
}

package dev.meshcni.dist;

import dev.meshcni.core.AgentProtocol;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Runs the daemon until its agent has answered a call, for a pod whose network namespace does not exist. Where the daemon
 * cannot start, for want of root or of iptables, the cache holds what it loaded until then.
 */
final class DaemonTraining {
    private static final int POLLS = 150;
    private static final int POLL_MILLIS = 100;

    private final Path dist;
    private final Path pod;
    private final Path scratch;

    DaemonTraining(Path dist, Path pod, Path scratch) {
        this.dist = dist;
        this.pod = pod;
        this.scratch = scratch;
    }

    /** Gives the class list of the run. */
    List<Path> run() throws IOException {
        Path classList = scratch.resolve("install-cni.0.classes");
        Path runDirectory = Files.createDirectories(scratch.resolve("run"));
        List<String> command = new ArrayList<>(Program.INSTALL_CNI.command(dist, AotCache.recording(classList)));
        command.addAll(List.of(
                "--no-install",
                "--pod-manifest-dir=" + pod.getParent(),
                "--pod-wait-seconds=0",
                "--cni-agent-run-dir=" + runDirectory));
        Path output = scratch.resolve("install-cni.out");
        Process daemon = Processes.start(command, System.getenv(), Path.of("/dev/null"), output);
        try {
            Path socket = runDirectory.resolve(AgentProtocol.SOCKET_NAME);
            if (appears(socket, daemon)) {
                call(socket);
            } else {
                System.err.println("dist: install-cni does not start here, its AOT cache is smaller for that: "
                        + Files.readString(output).strip());
            }
        } finally {
            daemon.destroy();
            Processes.waitFor(daemon);
        }
        return List.of(classList);
    }

    private static boolean appears(Path socket, Process daemon) {
        try {
            for (int poll = 0; poll < POLLS && daemon.isAlive(); poll++) {
                if (Files.exists(socket)) {
                    return true;
                }
                Thread.sleep(POLL_MILLIS);
            }
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssemblyException("Interrupted", e);
        }
    }

    private static void call(Path socket) throws IOException {
        Map<String, String> environment = TrainingInput.environment("ADD");
        try (SocketChannel agent = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            AgentProtocol.write(
                    agent, new AgentProtocol.Request(environment, TrainingInput.config(socket.getParent())));
            AgentProtocol.readReply(agent);
        } catch (IOException e) {
            System.err.println("dist: the agent answers nobody but root, its AOT cache is smaller for that");
        }
    }
}

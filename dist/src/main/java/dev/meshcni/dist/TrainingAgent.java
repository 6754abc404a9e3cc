package dev.meshcni.dist;

import dev.meshcni.core.AgentProtocol;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Answers the plugin as the agent would, with its input for an answer: in a training run only the plugin's side counts, and a
 * build has no pods.
 */
final class TrainingAgent implements AutoCloseable {
    private final Path socket;
    private final ServerSocketChannel server;

    private TrainingAgent(Path socket, ServerSocketChannel server) {
        this.socket = socket;
        this.server = server;
    }

    static TrainingAgent start(Path runDirectory) throws IOException {
        Path socket = runDirectory.resolve(AgentProtocol.SOCKET_NAME);
        Files.deleteIfExists(socket);
        ServerSocketChannel server =
                ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket));
        TrainingAgent agent = new TrainingAgent(socket, server);
        Thread.ofPlatform().daemon().name("training-agent").start(agent::serve);
        return agent;
    }

    @Override
    public void close() throws IOException {
        server.close();
        Files.deleteIfExists(socket);
    }

    private void serve() {
        try {
            while (true) {
                try (SocketChannel plugin = server.accept()) {
                    AgentProtocol.Request request = AgentProtocol.readRequest(plugin);
                    AgentProtocol.write(plugin, new AgentProtocol.Reply(0, request.stdin()));
                }
            }
        } catch (ClosedChannelException e) {
            // the end of the training
        } catch (IOException e) {
            System.err.println("dist: the training agent stopped: " + e);
        }
    }
}

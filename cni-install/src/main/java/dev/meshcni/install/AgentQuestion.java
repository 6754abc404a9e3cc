// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.meshcni.core.AgentProtocol;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * Asks an agent what plugins ask it, so that one that hangs is not taken for one that answers: the kernel connects to a
 * socket whoever may read from it. The question is VERSION, which changes nothing and is answered whatever becomes of
 * the API server.
 */
public final class AgentQuestion {
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final AgentProtocol.Request VERSION =
            new AgentProtocol.Request(Map.of("CNI_COMMAND", "VERSION"), "{\"cniVersion\":\"1.0.0\"}".getBytes(UTF_8));

    private final Path socket;

    /** A question to the agent of a run directory. */
    public AgentQuestion(Path runDirectory) {
        this.socket = requireNonNull(runDirectory, "runDirectory is null").resolve(AgentProtocol.SOCKET_NAME);
    }

    /** Returns whether there was an answer within two seconds. */
    public boolean isAnswered() {
        try (SocketChannel agent = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            Thread end = Thread.ofVirtual().start(() -> closeAfterPatience(agent));
            try {
                agent.connect(UnixDomainSocketAddress.of(socket));
                AgentProtocol.write(agent, VERSION);
                return AgentProtocol.readReply(agent).exitCode() == 0;
            } finally {
                end.interrupt();
            }
        } catch (IOException e) {
            return false;
        }
    }

    private static void closeAfterPatience(SocketChannel agent) {
        try (agent) {
            Thread.sleep(PATIENCE);
        } catch (InterruptedException | IOException e) {
            // It was answered, or closing it is all that could still be done.
            return;
        }
    }
}

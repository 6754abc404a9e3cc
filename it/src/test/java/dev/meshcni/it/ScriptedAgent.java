// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Something on the agent's socket that takes a request as it comes, byte by byte, and answers what a test has prepared.
 */
final class ScriptedAgent implements AutoCloseable {
    private final ServerSocketChannel server;
    private final Thread thread;
    private final List<byte[]> received = new ArrayList<>();
    private byte[] answer = new byte[0];

    private ScriptedAgent(ServerSocketChannel server) {
        this.server = server;
        this.thread = Thread.ofPlatform().daemon().name("scripted-agent").unstarted(this::serve);
    }

    static ScriptedAgent listen(Path socket) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        ScriptedAgent agent = new ScriptedAgent(server);
        agent.thread.start();
        return agent;
    }

    /** What the next request is answered with, before the connection is closed. */
    synchronized void answer(byte[] bytes) {
        answer = bytes.clone();
    }

    /** The requests since this was asked last. */
    synchronized List<byte[]> received() {
        List<byte[]> all = List.copyOf(received);
        received.clear();
        return all;
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    private void serve() {
        while (true) {
            try (SocketChannel plugin = server.accept()) {
                byte[] request = read(new DataInputStream(Channels.newInputStream(plugin)));
                ByteBuffer reply;
                synchronized (this) {
                    received.add(request);
                    reply = ByteBuffer.wrap(answer);
                }
                while (reply.hasRemaining()) {
                    plugin.write(reply);
                }
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                System.getLogger(ScriptedAgent.class.getName()).log(System.Logger.Level.DEBUG, "a call ended early", e);
            }
        }
    }

    /** Header, environment and standard input, the latter two behind their lengths. */
    private static byte[] read(DataInputStream in) throws IOException {
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        request.write(in.readNBytes(5));
        for (int block = 0; block < 2; block++) {
            byte[] length = in.readNBytes(4);
            request.write(length);
            if (length.length < 4) {
                throw new IOException("it has stopped");
            }
            request.write(in.readNBytes(ByteBuffer.wrap(length).getInt()));
        }
        return request.toByteArray();
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A proxy on loopback that wants {@code user:pass} and takes every connection to the same port of this machine. */
final class TestProxy implements AutoCloseable {
    /** The protocol that it speaks. */
    enum Protocol {
        HTTP,
        SOCKS5
    }

    private final Protocol protocol;
    private final int target;
    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final List<String> wanted = new CopyOnWriteArrayList<>();

    TestProxy(Protocol protocol, int target) throws IOException {
        this.protocol = protocol;
        this.target = target;
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    /** The hosts and ports to which clients wanted to be connected. */
    List<String> wanted() {
        return wanted;
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                Thread.ofVirtual().start(() -> serve(client));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        try (client) {
            boolean granted = switch (protocol) {
                case HTTP -> http(client);
                case SOCKS5 -> socks(client);
            };
            if (granted) {
                try (Socket server = new Socket(InetAddress.getLoopbackAddress(), target)) {
                    Thread back = Thread.ofVirtual().start(() -> copy(server, client));
                    copy(client, server);
                    back.join();
                }
            }
        } catch (IOException e) {
            // One end is gone.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean http(Socket client) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        InputStream in = client.getInputStream();
        while (!head.toString(UTF_8).endsWith("\r\n\r\n")) {
            head.write(in.read());
        }
        List<String> lines = head.toString(UTF_8).lines().toList();
        boolean granted = lines.contains("Proxy-Authorization: Basic dXNlcjpwYXNz");
        if (granted) {
            wanted.add(lines.getFirst().split(" ", -1)[1]);
        }
        client.getOutputStream()
                .write(("HTTP/1.1 " + (granted ? "200 Connected" : "407 Who are you") + "\r\n\r\n").getBytes(UTF_8));
        return granted;
    }

    private boolean socks(Socket client) throws IOException {
        DataInputStream in = new DataInputStream(client.getInputStream());
        in.readUnsignedByte();
        byte[] methods = in.readNBytes(in.readUnsignedByte());
        if (methods.length != 1 || methods[0] != 2) {
            client.getOutputStream().write(new byte[] {5, (byte) 0xff});
            return false;
        }
        client.getOutputStream().write(new byte[] {5, 2});
        in.readUnsignedByte();
        String user = new String(in.readNBytes(in.readUnsignedByte()), UTF_8);
        String password = new String(in.readNBytes(in.readUnsignedByte()), UTF_8);
        boolean granted = user.equals("user") && password.equals("pass");
        client.getOutputStream().write(new byte[] {1, (byte) (granted ? 0 : 1)});
        if (!granted) {
            return false;
        }
        in.skipNBytes(3);
        String host = switch (in.readUnsignedByte()) {
            case 1 -> InetAddress.getByAddress(in.readNBytes(4)).getHostAddress();
            case 3 -> new String(in.readNBytes(in.readUnsignedByte()), UTF_8);
            default -> InetAddress.getByAddress(in.readNBytes(16)).getHostAddress();
        };
        wanted.add(host + ":" + in.readUnsignedShort());
        client.getOutputStream().write(new byte[] {5, 0, 0, 1, 127, 0, 0, 1, 0, 0});
        return true;
    }

    private static void copy(Socket from, Socket to) {
        try {
            from.getInputStream().transferTo(to.getOutputStream());
            to.shutdownOutput();
        } catch (IOException e) {
            // One end is gone.
        }
    }
}

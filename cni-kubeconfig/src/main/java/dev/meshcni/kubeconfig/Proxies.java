// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.kubeconfig.Tunnel.Refusal;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/** Connections through proxies: HTTP's CONNECT (RFC 9110, section 9.3.6) and SOCKS 5 (RFC 1928, RFC 1929). */
final class Proxies {
    private static final int SOCKS = 5;
    private static final int NO_METHOD = 0;
    private static final int PASSWORD = 2;
    private static final int CONNECT = 1;
    private static final int BY_NAME = 3;
    private static final int IPV4 = 1;
    private static final int IPV6 = 4;
    private static final int DEFAULT_SOCKS_PORT = 1080;

    private Proxies() {}

    /**
     * A connection to the end of a route.
     *
     * @throws RefusedException if it does not come about
     */
    static Socket connect(Route route, Duration timeout) throws RefusedException {
        int limit = Math.toIntExact(timeout.toMillis());
        if (route.proxy().isEmpty()) {
            return dial(new InetSocketAddress(route.host(), route.port()), limit, Refusal.NO_SERVER);
        }
        URI proxy = route.proxy().get();
        Socket socket = dial(new InetSocketAddress(EnvironmentProxy.host(proxy), port(proxy)), limit, Refusal.NO_PROXY);
        try {
            socket.setSoTimeout(limit);
            Socket connected = proxy.getScheme().equals("socks5")
                    ? socks(socket, route, Optional.ofNullable(proxy.getUserInfo()))
                    : http(proxy.getScheme().equals("https") ? secured(socket, proxy) : socket, route, proxy);
            connected.setSoTimeout(0);
            return connected;
        } catch (RefusedException e) {
            closed(socket);
            throw e;
        } catch (IOException e) {
            closed(socket);
            throw new RefusedException(Refusal.BY_PROXY, e);
        }
    }

    private static Socket dial(InetSocketAddress address, int limit, Refusal refusal) throws RefusedException {
        Socket socket = new Socket();
        try {
            socket.connect(address, limit);
            socket.setTcpNoDelay(true);
            return socket;
        } catch (IOException e) {
            closed(socket);
            throw new RefusedException(refusal, e);
        }
    }

    private static Socket secured(Socket socket, URI proxy) throws IOException {
        SSLSocket secured = (SSLSocket) ((SSLSocketFactory) SSLSocketFactory.getDefault())
                .createSocket(socket, EnvironmentProxy.host(proxy), port(proxy), true);
        SSLParameters parameters = secured.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        secured.setSSLParameters(parameters);
        secured.startHandshake();
        return secured;
    }

    private static Socket http(Socket socket, Route route, URI proxy) throws IOException {
        String target = (route.host().indexOf(':') < 0 ? route.host() : "[" + route.host() + "]") + ":" + route.port();
        String authorization = Optional.ofNullable(proxy.getUserInfo())
                .map(user -> "Proxy-Authorization: Basic " + Base64.getEncoder().encodeToString(user.getBytes(UTF_8))
                        + "\r\n")
                .orElse("");
        socket.getOutputStream()
                .write(("CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n" + authorization + "\r\n")
                        .getBytes(ISO_8859_1));
        String[] status = new String(Tunnel.head(socket.getInputStream()), ISO_8859_1).split(" ", 3);
        if (status.length < 2 || !status[1].startsWith("2")) {
            throw new RefusedException(
                    status.length > 1 && status[1].startsWith("407") ? Refusal.CREDENTIALS : Refusal.BY_PROXY, null);
        }
        return socket;
    }

    private static Socket socks(Socket socket, Route route, Optional<String> user) throws IOException {
        DataInputStream in = new DataInputStream(socket.getInputStream());
        OutputStream out = socket.getOutputStream();
        out.write(new byte[] {SOCKS, 1, (byte) (user.isPresent() ? PASSWORD : NO_METHOD)});
        in.readUnsignedByte();
        int method = in.readUnsignedByte();
        if (user.isPresent() && method == PASSWORD) {
            String[] parts = user.get().split(":", 2);
            out.write(message(1, parts[0], parts.length > 1 ? parts[1] : ""));
            in.readUnsignedByte();
            method = in.readUnsignedByte();
        }
        if (method != 0) {
            throw new RefusedException(Refusal.CREDENTIALS, null);
        }
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        request.writeBytes(new byte[] {SOCKS, CONNECT, 0});
        address(request, route.host());
        request.write(route.port() >> 8);
        request.write(route.port());
        out.write(request.toByteArray());
        in.readUnsignedByte();
        if (in.readUnsignedByte() != 0) {
            throw new RefusedException(Refusal.BY_PROXY, null);
        }
        in.readUnsignedByte();
        int bound = switch (in.readUnsignedByte()) {
            case IPV4 -> 4;
            case IPV6 -> 16;
            default -> in.readUnsignedByte();
        };
        in.skipNBytes(bound + 2L);
        return socket;
    }

    /** A name is left to the proxy to resolve. */
    private static void address(ByteArrayOutputStream request, String host) {
        byte[] address =
                EnvironmentProxy.address(host).map(InetAddress::getAddress).orElse(new byte[0]);
        switch (address.length) {
            case 4 -> request.write(IPV4);
            case 16 -> request.write(IPV6);
            default -> {
                request.write(BY_NAME);
                field(request, host);
            }
        }
        request.writeBytes(address);
    }

    private static byte[] message(int version, String... fields) {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        message.write(version);
        for (String text : fields) {
            field(message, text);
        }
        return message.toByteArray();
    }

    private static void field(ByteArrayOutputStream message, String text) {
        byte[] bytes = text.getBytes(UTF_8);
        message.write(bytes.length);
        message.writeBytes(bytes);
    }

    private static int port(URI proxy) {
        if (proxy.getPort() > 0) {
            return proxy.getPort();
        }
        return switch (proxy.getScheme()) {
            case "https" -> 443;
            case "socks5" -> DEFAULT_SOCKS_PORT;
            default -> 80;
        };
    }

    private static void closed(Socket socket) {
        try {
            socket.close();
        } catch (IOException _) {
            // It has served its purpose.
        }
    }
}

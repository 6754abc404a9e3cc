// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;

/** An API server on loopback without TLS, which answers by the path of a request. */
final class PlainApiServer implements AutoCloseable {
    /** An answer: the status and the JSON. */
    record Answer(String status, String body) {
        static Answer ok(String body) {
            return new Answer("200 OK", body);
        }

        static Answer refused(int code, String reason) {
            return new Answer(
                    code + " " + reason, "{\"kind\": \"Status\", \"apiVersion\": \"v1\", \"code\": " + code + "}");
        }
    }

    private final ServerSocket socket;
    private final Function<String, Answer> answers;

    private PlainApiServer(ServerSocket socket, Function<String, Answer> answers) {
        this.socket = socket;
        this.answers = answers;
    }

    /** Starts it; the function gets the path without its query. */
    static PlainApiServer start(Function<String, Answer> answers) throws IOException {
        PlainApiServer server = new PlainApiServer(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), answers);
        Thread.ofVirtual().start(server::serve);
        return server;
    }

    /** Writes a kubeconfig that leads to it, with a context of the namespace {@code shop}. */
    String kubeconfig(Path directory) throws IOException {
        return Files.writeString(directory.resolve("kubeconfig"), """
                apiVersion: v1
                kind: Config
                current-context: test
                clusters: [{name: test, cluster: {server: "http://127.0.0.1:%d"}}]
                users: [{name: test, user: {token: secret}}]
                contexts: [{name: test, context: {cluster: test, user: test, namespace: shop}}]
                """.formatted(socket.getLocalPort()))
                .toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private void serve() {
        while (!socket.isClosed()) {
            try (Socket client = socket.accept()) {
                BufferedReader request = new BufferedReader(new InputStreamReader(client.getInputStream(), UTF_8));
                String path = request.readLine().split(" ", -1)[1];
                while (!request.readLine().isEmpty()) {
                    // Headers that do not matter.
                }
                Answer answer = answers.apply(path.replaceFirst("\\?.*", ""));
                byte[] body = answer.body().getBytes(UTF_8);
                client.getOutputStream()
                        .write(("HTTP/1.1 " + answer.status()
                                        + "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
                                        + body.length + "\r\n\r\n")
                                .getBytes(UTF_8));
                client.getOutputStream().write(body);
            } catch (IOException e) {
                if (!socket.isClosed()) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }
}

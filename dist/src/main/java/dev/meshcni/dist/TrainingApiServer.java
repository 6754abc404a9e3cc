// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * As much of an API server as the daemon needs to list and watch the pods of its node: on loopback, one pod, which the
 * watch shows once more.
 */
final class TrainingApiServer implements AutoCloseable {
    private final ServerSocket server;
    private final String pod;

    private TrainingApiServer(ServerSocket server, String pod) {
        this.server = server;
        this.pod = pod;
    }

    /** Starts one that knows the pod in a JSON file. */
    static TrainingApiServer start(Path pod) throws IOException {
        String json = Files.readString(pod, UTF_8);
        TrainingApiServer api = new TrainingApiServer(new ServerSocket(0, 0, InetAddress.getLoopbackAddress()), json);
        Thread.ofPlatform().daemon().name("training-api-server").start(api::serve);
        return api;
    }

    /** Writes a kubeconfig that leads to it. */
    Path kubeconfig(Path directory) throws IOException {
        return Files.writeString(directory.resolve("kubeconfig"), """
                apiVersion: v1
                kind: Config
                current-context: training
                clusters: [{name: training, cluster: {server: "http://127.0.0.1:%d"}}]
                users: [{name: training, user: {token: training}}]
                contexts: [{name: training, context: {cluster: training, user: training}}]
                """.formatted(server.getLocalPort()), UTF_8);
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    private void serve() {
        try {
            while (true) {
                Socket client = server.accept();
                Thread.ofVirtual().start(() -> answer(client));
            }
        } catch (SocketException e) {
            // the end of the training
        } catch (IOException e) {
            System.err.println("dist: the training API server stopped: " + e);
        }
    }

    private void answer(Socket client) {
        try (client) {
            BufferedReader in = new BufferedReader(new InputStreamReader(client.getInputStream(), ISO_8859_1));
            String request = in.readLine();
            OutputStream out = client.getOutputStream();
            boolean pods = request != null && request.startsWith("GET /api/v1/pods?");
            if (pods && request.contains("&watch=true")) {
                watch(out);
                in.transferTo(Writer.nullWriter());
            } else {
                skipHeaders(in);
                out.write(response(pods ? "200 OK" : "404 Not Found", pods ? list() : "{}"));
            }
        } catch (IOException e) {
            // The daemon ended: nothing is left to answer.
        }
    }

    private String list() {
        return "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[" + pod
                + "]}";
    }

    private void watch(OutputStream out) throws IOException {
        out.write(("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
                        + "{\"type\":\"MODIFIED\",\"object\":" + pod + "}\n")
                .getBytes(UTF_8));
        out.flush();
    }

    private static void skipHeaders(BufferedReader in) throws IOException {
        String line = in.readLine();
        while (line != null && !line.isEmpty()) {
            line = in.readLine();
        }
    }

    private static byte[] response(String status, String body) {
        byte[] content = body.getBytes(UTF_8);
        ByteArrayOutputStream response = new ByteArrayOutputStream();
        response.writeBytes(("HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nConnection: close\r\n"
                        + "Content-Length: " + content.length + "\r\n\r\n")
                .getBytes(ISO_8859_1));
        response.writeBytes(content);
        return response.toByteArray();
    }
}

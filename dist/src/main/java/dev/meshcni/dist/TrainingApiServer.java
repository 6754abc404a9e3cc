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
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * As much of an API server as the daemon needs to list and watch the pods of its node: on loopback, one pod, which the watch shows once
 * more. The watch is a WebSocket (RFC 6455), as the daemon's client asks for.
 */
final class TrainingApiServer implements AutoCloseable {
    /** RFC 6455, section 1.3. */
    private static final String WEB_SOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    private static final int FINAL_TEXT_FRAME = 0x81;
    private static final int LENGTH_IN_TWO_BYTES = 126;
    private static final int BYTE = 8;

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
            Map<String, String> headers = headers(in);
            OutputStream out = client.getOutputStream();
            String key = headers.get("sec-websocket-key");
            if (key != null) {
                watch(out, key);
                in.transferTo(Writer.nullWriter());
            } else {
                boolean pods = request != null && request.startsWith("GET /api/v1/pods?");
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

    private void watch(OutputStream out, String key) throws IOException {
        String accept = Base64.getEncoder().encodeToString(sha1(key + WEB_SOCKET_GUID));
        out.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        + "Sec-WebSocket-Accept: " + accept + "\r\n\r\n")
                .getBytes(ISO_8859_1));
        byte[] event = ("{\"type\":\"MODIFIED\",\"object\":" + pod + "}").getBytes(UTF_8);
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        frame.write(FINAL_TEXT_FRAME);
        frame.write(LENGTH_IN_TWO_BYTES);
        frame.write(event.length >> BYTE);
        frame.write(event.length);
        frame.write(event);
        out.write(frame.toByteArray());
    }

    private static Map<String, String> headers(BufferedReader in) throws IOException {
        Map<String, String> headers = new HashMap<>();
        for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
            int colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        return headers;
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

    private static byte[] sha1(String text) {
        try {
            return MessageDigest.getInstance("SHA-1").digest(text.getBytes(ISO_8859_1));
        } catch (NoSuchAlgorithmException e) {
            throw new AssemblyException("Every Java platform has SHA-1", e);
        }
    }
}

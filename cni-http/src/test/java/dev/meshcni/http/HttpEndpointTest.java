// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static dev.meshcni.testkit.Eventually.eventually;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.CapturedLog;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Peers of all kinds, over real sockets; each address of 127.0.0.0/8 is a peer of its own. After each of them the
 * others are answered.
 */
@Timeout(60)
class HttpEndpointTest {
    private static final String GET = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    private static final Duration LONG = Duration.ofMinutes(10);
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final HttpLimits PATIENT = new HttpLimits(LONG, LONG, LONG, 8 << 10, 12, 4, 4 << 20);
    private static final int LARGE = 16 << 20;

    private final Collection<HttpRefusal> refused = new ConcurrentLinkedQueue<>();
    private final CountDownLatch hang = new CountDownLatch(1);
    private final List<Socket> sockets = new ArrayList<>();
    private HttpEndpoint endpoint;

    @AfterEach
    void close() throws IOException {
        hang.countDown();
        for (Socket socket : sockets) {
            socket.close();
        }
        endpoint.close();
    }

    @Test
    void aPageIsAnsweredAndTheConnectionEnds() throws Exception {
        open(PATIENT);

        assertThat(answer(peer(1), GET))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .containsPattern("Date: [A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT\r\n")
                .contains(
                        "Content-Type: text/plain; charset=utf-8\r\n", "Content-Length: 3\r\n", "Connection: close\r\n")
                .endsWith("\r\n\r\nok\n");
    }

    @Test
    void headIsTheSameWithoutTheBody() throws Exception {
        open(PATIENT);

        assertThat(answer(peer(1), GET.replace("GET", "HEAD")))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("Content-Length: 3\r\n")
                .endsWith("\r\n\r\n");
    }

    @Test
    void theRootIsAnIndexOfThePages() throws Exception {
        open(PATIENT);

        assertThat(answer(peer(1), "GET / HTTP/1.1\r\n\r\n"))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("Content-Type: text/html; charset=utf-8\r\n")
                .contains("<a href=\"/healthz\">/healthz</a>", "<a href=\"/works\">/works</a>");
    }

    @Test
    void anUnknownPathIsNotFoundWhateverTheMethod() throws Exception {
        open(PATIENT);

        assertThat(answer(peer(1), "GET /healthz/ HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 404 ");
        assertThat(answer(peer(1), "DELETE /x HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 404 ");
    }

    @Test
    void anotherMethodIsNotAllowedAndItsBodyCostsNobodyTheAnswer() throws Exception {
        open(PATIENT);

        assertThat(answer(peer(1), "POST /healthz HTTP/1.1\r\nContent-Length: 9999\r\n\r\n" + "x".repeat(9999)))
                .startsWith("HTTP/1.1 405 ")
                .contains("Allow: GET, HEAD\r\n");
        assertThat(refused).containsExactly(HttpRefusal.METHOD);
    }

    @Test
    void whatFollowsTheFirstRequestIsDropped() throws Exception {
        open(PATIENT);

        assertThat(answer(peer(1), GET.repeat(20))).containsOnlyOnce("HTTP/1.1 ");
    }

    @Test
    void aRequestMayArriveByteByByte() throws Exception {
        open(PATIENT);
        Socket slow = connect(peer(1));
        slow.setTcpNoDelay(true);
        for (byte one : GET.getBytes(ISO_8859_1)) {
            slow.getOutputStream().write(one);
        }

        assertThat(rest(slow)).startsWith("HTTP/1.1 200 ");
    }

    @ParameterizedTest
    @ValueSource(ints = {9000, 5_000_000})
    void aHeadThatIsTooLargeIsRefused(int size) throws Exception {
        open(PATIENT);
        Socket large = connect(peer(1));
        try {
            send(large, "GET /healthz HTTP/1.1\r\nX: " + "x".repeat(size));
            assertThat(rest(large)).startsWith("HTTP/1.1 431 ");
        } catch (SocketException e) {
            // It was cut off: so much is not even read.
            assertThat(size).isGreaterThan(64 << 10);
        }

        assertThat(refused).containsExactly(HttpRefusal.TOO_LARGE);
        assertAnswersOthers();
    }

    @Test
    void aHeadOfTheLargestSizeIsAnswered() throws Exception {
        open(PATIENT);
        String start = "GET /healthz HTTP/1.1\r\nX: ";

        assertThat(answer(peer(1), start + "x".repeat((8 << 10) - start.length() - 4) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 200 ");
    }

    @Test
    void whatIsNoRequestIsRefusedAndDoesNotReachTheLog() throws Exception {
        open(PATIENT);
        try (CapturedLog log = CapturedLog.of(RefusalLog.class)) {
            assertThat(answer(peer(1), "GET /\u001b[31mforged HTTP/1.1\r\n\r\n"))
                    .startsWith("HTTP/1.1 400 ");
            assertThat(answer(peer(1), "GET /forged%0Aforged HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 404 ");

            assertThat(log.lines())
                    .singleElement()
                    .asString()
                    .contains("malformed")
                    .doesNotContain("forged");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GET /healthz HTTP/1.1\r\nX: y"})
    void whoDoesNotCompleteItsRequestIsCutOff(String start) throws Exception {
        open(new HttpLimits(SHORT, LONG, LONG, 8 << 10, 12, 4, 4 << 20));
        Socket slow = connect(peer(1));
        send(slow, start);

        assertThat(rest(slow)).isEmpty();
        assertThat(refused).containsExactly(HttpRefusal.SLOW_REQUEST);
        assertAnswersOthers();
    }

    @Test
    void whoSendsAByteNowAndThenIsCutOffAllTheSame() throws Exception {
        open(new HttpLimits(SHORT, LONG, LONG, 8 << 10, 12, 4, 4 << 20));
        Socket slow = connect(peer(1));

        eventually("it is cut off", () -> {
            try {
                slow.getOutputStream().write('x');
                Thread.sleep(20);
                return false;
            } catch (SocketException e) {
                return true;
            }
        });
        assertThat(refused).containsExactly(HttpRefusal.SLOW_REQUEST);
    }

    @Test
    void whoDoesNotTakeItsAnswerIsCutOff() throws Exception {
        open(new HttpLimits(LONG, LONG, SHORT, 8 << 10, 12, 4, 2 * LARGE));
        try (SocketChannel idle = readsNothing(peer(1))) {
            eventually("it is cut off", () -> refused.contains(HttpRefusal.SLOW_ANSWER));
            assertThat(idle.isConnected()).isTrue();
        }
        assertAnswersOthers();
    }

    @Test
    void answersThatNobodyTakesAreOnlySoMany() throws Exception {
        open(new HttpLimits(LONG, LONG, LONG, 8 << 10, 12, 4, 2 * LARGE));
        try (SocketChannel _ = readsNothing(peer(1));
                SocketChannel _ = readsNothing(peer(2));
                SocketChannel _ = readsNothing(peer(3))) {
            eventually("the oldest is cut off", () -> refused.contains(HttpRefusal.SLOW_ANSWER));
            assertAnswersOthers();
        }
        assertThat(refused).containsExactly(HttpRefusal.SLOW_ANSWER);
    }

    @Test
    void aPeerWithMoreThanItMayHaveLosesItsOldestAndIsAnsweredAllTheSame() throws Exception {
        open(PATIENT);
        List<Socket> unfinished = unfinished(1, 9);

        assertThat(answer(peer(1), GET)).startsWith("HTTP/1.1 200 ");

        for (Socket oldest : unfinished.subList(0, 6)) {
            assertThat(rest(oldest)).isEmpty();
        }
        assertThat(refused).hasSize(6).containsOnly(HttpRefusal.PEER_LIMIT);
        Socket newest = unfinished.getLast();
        send(newest, "\r\n\r\n");
        assertThat(rest(newest)).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void whereAllConnectionsAreTakenAnotherPeerIsAnswered() throws Exception {
        open(PATIENT);
        unfinished(1, 4);
        unfinished(2, 4);
        unfinished(3, 4);

        assertThat(answer(peer(4), GET)).startsWith("HTTP/1.1 200 ");
        assertThat(refused).containsExactly(HttpRefusal.FULL);
    }

    @Test
    void manyPeersWithOneConnectionEachDoNotKeepAnotherOneOut() throws Exception {
        open(PATIENT);
        for (int peer = 1; peer <= 40; peer++) {
            unfinished(peer, 1);
        }

        assertThat(answer(peer(41), GET)).startsWith("HTTP/1.1 200 ");
        assertThat(refused).hasSize(29).containsOnly(HttpRefusal.FULL);
    }

    @Test
    void aPageThatHangsIsUnavailableAndDelaysNoOther() throws Exception {
        open(new HttpLimits(LONG, SHORT, LONG, 8 << 10, 12, 4, 4 << 20));
        Socket first = connect(peer(1));
        send(first, "GET /hangs HTTP/1.1\r\n\r\n");
        Socket second = connect(peer(2));
        send(second, "GET /hangs HTTP/1.1\r\n\r\n");

        assertThat(answer(peer(3), GET)).startsWith("HTTP/1.1 200 ");
        assertThat(answer(peer(3), "GET /works HTTP/1.1\r\n\r\n")).endsWith("\r\n\r\ndone\n");
        assertThat(rest(first)).startsWith("HTTP/1.1 503 ").contains("timeout generating this page");
        assertThat(rest(second)).startsWith("HTTP/1.1 503 ");
        assertThat(refused).containsExactly(HttpRefusal.PAGE_LATE, HttpRefusal.PAGE_LATE);

        hang.countDown();

        eventually(
                "it answers again",
                () -> answer(peer(3), "GET /hangs HTTP/1.1\r\n\r\n").startsWith("HTTP/1.1 200 "));
    }

    @Test
    void moreRequestsForAPageThanMayWaitAreRefusedAtOnce() throws Exception {
        open(new HttpLimits(LONG, SHORT, LONG, 8 << 10, 2, 2, 4 << 20));

        eventually("the page is busy", () -> {
            send(connect(peer(1)), "GET /hangs HTTP/1.1\r\n\r\n");
            return refused.contains(HttpRefusal.BUSY);
        });
        assertAnswersOthers();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/overflows", "/exhausts", "/fails", "/overflows-at-once", "/exhausts-at-once"})
    void aPageThatFailsIsAnErrorOfItsOwn(String path) throws Exception {
        open(PATIENT);
        try (CapturedLog log = CapturedLog.of(RefusalLog.class)) {
            for (int i = 0; i < 5; i++) {
                assertThat(answer(peer(1), "GET " + path + " HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 500 ");
            }

            assertThat(refused).hasSize(5).containsOnly(HttpRefusal.PAGE_FAILED);
            assertThat(log.lines()).filteredOn(line -> line.contains(path)).hasSize(1);
        }
        assertAnswersOthers();
        assertThat(answer(peer(1), "GET /works HTTP/1.1\r\n\r\n")).endsWith("\r\n\r\ndone\n");
    }

    @Test
    void peersThatLeaveAtAnyMomentAreForgotten() throws Exception {
        open(PATIENT);
        for (int i = 0; i < 200; i++) {
            Socket leaving = connect(peer(1));
            send(leaving, i % 2 == 0 ? GET : "GET /works HTTP/1.1\r\n");
            if (i % 3 == 0) {
                leaving.setOption(StandardSocketOptions.SO_LINGER, 0);
            }
            leaving.close();
        }

        assertAnswersOthers();
    }

    @Test
    void aPortThatWasClosedIsFreeAndItsConnectionsEnd() throws Exception {
        open(PATIENT);
        int port = endpoint.port();
        Socket open = unfinished(1, 1).getFirst();
        endpoint.close();

        assertThat(restOfAClosedPort(open)).isEmpty();
        endpoint = HttpEndpoint.open("--health-port", port, pages(), refused::add, PATIENT);
        assertAnswersOthers();
    }

    private void open(HttpLimits limits) {
        endpoint = HttpEndpoint.open("--health-port", 0, pages(), refused::add, limits);
    }

    private List<HttpPage> pages() {
        HttpPage.Content overflows = request -> overflow(request, 0);
        HttpPage.Content exhausts = _ -> {
            throw new OutOfMemoryError("as the page says");
        };
        return List.of(
                HttpPage.atOnce("/healthz", _ -> HttpAnswer.text(200, "ok")),
                HttpPage.working("/works", _ -> HttpAnswer.text(200, "done")),
                HttpPage.working("/large", _ -> HttpAnswer.of(200, "text/plain", new byte[LARGE])),
                HttpPage.working("/hangs", _ -> hang()),
                HttpPage.working("/overflows", overflows),
                HttpPage.atOnce("/overflows-at-once", overflows),
                HttpPage.working("/exhausts", exhausts),
                HttpPage.atOnce("/exhausts-at-once", exhausts),
                HttpPage.working("/fails", _ -> {
                    throw new IllegalStateException("fault");
                }));
    }

    private HttpAnswer hang() {
        boolean interrupted = false;
        while (hang.getCount() > 0) {
            try {
                hang.await();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        return HttpAnswer.text(200, interrupted ? "interrupted" : "done");
    }

    @SuppressWarnings("InfiniteRecursion") // which is what it is for
    private static HttpAnswer overflow(HttpRequest request, int depth) {
        HttpAnswer answer = overflow(request, depth + 1);
        return depth < 0 ? HttpAnswer.notFound() : answer;
    }

    private void assertAnswersOthers() throws IOException {
        assertThat(answer(peer(99), GET)).startsWith("HTTP/1.1 200 ").endsWith("ok\n");
    }

    /** Connections of a peer that have each sent the start of a request, in the order in which they were accepted. */
    private List<Socket> unfinished(int peer, int count) throws IOException {
        List<Socket> unfinished = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Socket socket = connect(peer(peer));
            send(socket, "GET /healthz HTTP/1.1\r\nX: y");
            unfinished.add(socket);
        }
        return unfinished;
    }

    /** Asks for more than the kernel's buffers hold, and takes nothing of it. */
    private SocketChannel readsNothing(InetAddress peer) throws IOException {
        SocketChannel channel = SocketChannel.open();
        channel.setOption(StandardSocketOptions.SO_RCVBUF, 4096);
        channel.bind(new InetSocketAddress(peer, 0));
        channel.connect(new InetSocketAddress(peer(0), endpoint.port()));
        send(channel.socket(), "GET /large HTTP/1.1\r\n\r\n");
        return channel;
    }

    private Socket connect(InetAddress peer) throws IOException {
        Socket socket = new Socket(peer(0), endpoint.port(), peer, 0);
        sockets.add(socket);
        return socket;
    }

    private String answer(InetAddress peer, String request) throws IOException {
        Socket socket = connect(peer);
        send(socket, request);
        return rest(socket);
    }

    private static void send(Socket socket, String bytes) throws IOException {
        socket.getOutputStream().write(bytes.getBytes(ISO_8859_1));
    }

    private static String rest(Socket socket) throws IOException {
        try (socket) {
            return new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
        }
    }

    /** What the port has not read yet when it is closed makes the kernel reset the connection (tcp(7)). */
    private static String restOfAClosedPort(Socket socket) throws IOException {
        try {
            return rest(socket);
        } catch (SocketException e) {
            return "";
        }
    }

    /** 0 is the address of the port. */
    private static InetAddress peer(int number) throws IOException {
        return InetAddress.getByAddress(new byte[] {127, 0, 0, (byte) (number + 1)});
    }
}

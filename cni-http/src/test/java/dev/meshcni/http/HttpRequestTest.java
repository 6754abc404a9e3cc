// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpRequestTest {
    @Test
    void methodPathAndTheFirstAcceptAreRead() throws Exception {
        HttpRequest request = parse("""
                GET /metrics?name=x HTTP/1.1\r
                Host: node:15014\r
                aCCept: \t text/plain;version=1.0.0 \r
                Accept: */*\r
                X-Empty:\r
                \r
                """);

        assertThat(request.method()).isEqualTo("GET");
        assertThat(request.path()).isEqualTo("/metrics");
        assertThat(request.accept()).contains("text/plain;version=1.0.0");
    }

    @ParameterizedTest
    @CsvSource({
        "/healthz, /healthz",
        "/health%7A, /healthz",
        "http://node:8000/healthz, /healthz",
        "/healthz#x, /healthz",
        "*, *",
        "/healthz/, /healthz/",
    })
    void thePathOfATargetIsFound(String target, String path) throws Exception {
        assertThat(parse("GET " + target + " HTTP/1.0\r\n\r\n").path()).isEqualTo(path);
    }

    @Test
    void anyMethodIsRead() throws Exception {
        assertThat(parse("HEAD / HTTP/1.1\r\n\r\n").isHead()).isTrue();
        assertThat(parse("M-SEARCH / HTTP/1.1\r\n\r\n").isGetOrHead()).isFalse();
    }

    @Test
    void linesMayEndWithoutACarriageReturn() throws Exception {
        assertThat(parse("GET /healthz HTTP/1.1\nAccept: x\n\n").accept()).contains("x");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\r\n\r\n",
                "\n\n",
                "GET\r\n\r\n",
                "GET /\r\n\r\n",
                "GET  / HTTP/1.1\r\n\r\n",
                " GET / HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1 \r\n\r\n",
                "GET / HTTP/11\r\n\r\n",
                "GET / http/1.1\r\n\r\n",
                "G\u0000T / HTTP/1.1\r\n\r\n",
                "GET /\u001b[31m HTTP/1.1\r\n\r\n",
                "GET /a b HTTP/1.1\r\n\r\n",
                "GET /%zz HTTP/1.1\r\n\r\n",
                "GET mailto:x HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\r\nno header\r\n\r\n",
                "GET / HTTP/1.1\r\n: x\r\n\r\n",
                "GET / HTTP/1.1\r\nAccept : x\r\n\r\n",
                "GET / HTTP/1.1\r\nAccept: x\r\n folded\r\n\r\n",
                "GET / HTTP/1.1\r\nAccept: x\ry\r\n\r\n",
                "GET / HTTP/1.1\r\nAccept: \u007f\r\n\r\n",
                "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u0000\r\n\r\n",
            })
    void whatIsNoRequestIsRefusedInWordsThatQuoteNothingOfIt(String head) {
        assertThatThrownBy(() -> parse(head))
                .asInstanceOf(type(HttpRefusedException.class))
                .satisfies(refused -> {
                    assertThat(refused.refusal()).isEqualTo(HttpRefusal.MALFORMED);
                    assertThat(refused.answer().status()).isEqualTo(400);
                    assertThat(refused.getMessage()).matches("[A-Za-z ]+");
                });
    }

    @ParameterizedTest
    @ValueSource(strings = {"HTTP/2.0", "HTTP/0.9"})
    void anotherVersionIsRefused(String version) {
        assertThatThrownBy(() -> parse("GET / " + version + "\r\n\r\n"))
                .asInstanceOf(type(HttpRefusedException.class))
                .satisfies(refused -> assertThat(refused.answer().status()).isEqualTo(505));
    }

    @Test
    void theEndOfAHeadIsFoundHoweverItArrives() {
        byte[] head = "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /more".getBytes(ISO_8859_1);
        int end = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".length();
        for (int first = 0; first < end; first++) {
            assertThat(HttpRequest.end(head, 0, first)).isEqualTo(-1);
            assertThat(HttpRequest.end(head, first, head.length))
                    .as("%d bytes at first", first)
                    .isEqualTo(end);
        }
        assertThat(HttpRequest.end(new byte[0], 0, 0)).isEqualTo(-1);
        assertThat(HttpRequest.end(new byte[] {'\n'}, 0, 1)).isEqualTo(-1);
    }

    @Test
    void bytesOfAnyKindAreARequestOrRefused() {
        Random random = new Random(42);
        byte[] whole = "GET /metrics?x=%20 HTTP/1.1\r\nHost: a\r\nAccept: text/plain\r\n\r\n".getBytes(ISO_8859_1);
        for (int round = 0; round < 20_000; round++) {
            byte[] head = whole.clone();
            for (int changes = random.nextInt(4); changes >= 0; changes--) {
                head[random.nextInt(head.length)] = (byte) random.nextInt(256);
            }
            try {
                assertThat(HttpRequest.parse(head).method()).isNotEmpty();
            } catch (HttpRefusedException e) {
                assertThat(e.answer().status()).isIn(400, 505);
            }
        }
    }

    private static HttpRequest parse(String head) throws HttpRefusedException {
        return HttpRequest.parse(head.getBytes(ISO_8859_1));
    }
}

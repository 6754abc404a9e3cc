// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import dev.meshcni.http.PortUnavailableException;
import dev.meshcni.telemetry.AgentMetrics;
import dev.meshcni.telemetry.AgentStatus;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AgentMetricsTest {
    private static final AgentProtocol.Request CALL = new AgentProtocol.Request(Map.of(), new byte[0]);

    private final AtomicInteger attachments = new AtomicInteger();
    private final AgentMetrics metrics = new AgentMetrics(attachments::get, () -> 17, () -> 0);

    @Test
    void aCallIsCountedByVerbOutcomeAndReasonAndTimed() throws Exception {
        answer("ADD", Answer.Outcome.REDIRECTED, "", new Answer.Effect(21, 1));
        answer("ADD", Answer.Outcome.SKIPPED, "no-proxy", Answer.Effect.NONE);
        answer("ADD", Answer.Outcome.SKIPPED, "no-proxy", Answer.Effect.NONE);

        assertThat(scrape())
                .contains("meshcni_calls_total{outcome=\"redirected\",reason=\"\",verb=\"ADD\"} 1.0")
                .contains("meshcni_calls_total{outcome=\"skipped\",reason=\"no-proxy\",verb=\"ADD\"} 2.0")
                .contains("meshcni_call_duration_seconds_count{verb=\"ADD\"} 3")
                .contains("meshcni_rules_applied_total 21.0")
                .contains("meshcni_uncovered_ipv6_addresses_total 1.0");
    }

    @Test
    void aVerbThatNobodyKnowsMakesNoLabelOfItsOwn() throws Exception {
        answer("x".repeat(1000), Answer.Outcome.FAILED, "error-4", Answer.Effect.NONE);

        assertThat(scrape()).contains("verb=\"other\"").doesNotContain("xxxx");
    }

    @Test
    void aCallInProgressIsInFlight() throws Exception {
        AtomicReference<String> during = new AtomicReference<>();
        counting((_, _) -> {
                    during.set(scrape());
                    return answer(Answer.Outcome.OK);
                })
                .handle(CALL, Duration.ofSeconds(1));

        assertThat(during.get()).contains("meshcni_calls_in_flight 1.0");
        assertThat(scrape()).contains("meshcni_calls_in_flight 0.0");
    }

    @Test
    void aHandlerThatFailsIsNoLongerInFlight() {
        CallHandler failing = counting((_, _) -> {
            throw new IllegalStateException("fault");
        });

        assertThatThrownBy(() -> failing.handle(CALL, Duration.ofSeconds(1))).hasMessage("fault");
        assertThat(scrape()).contains("meshcni_calls_in_flight 0.0");
    }

    @Test
    void istiosMetricsHaveTheirNamesAndLabels() {
        metrics.installed(AgentMetrics.INSTALL_SUCCESS);
        metrics.repaired("repair", "success");

        assertThat(scrape())
                .contains("istio_cni_installs_total{result=\"SUCCESS\"} 1.0")
                .contains("istio_cni_install_ready 1.0")
                .contains("istio_cni_repair_pods_repaired_total{result=\"success\",type=\"repair\"} 1.0");
    }

    @Test
    void anInstallationThatFailedIsNotReady() {
        metrics.installed(AgentMetrics.INSTALL_SUCCESS);
        metrics.installed(AgentMetrics.INSTALL_CONF_FAILED);

        assertThat(scrape())
                .contains("istio_cni_installs_total{result=\"CREATE_CNI_CONFIG_FAILURE\"} 1.0")
                .contains("istio_cni_install_ready 0.0");
    }

    @Test
    void gaugesShowWhatIsNow() {
        attachments.set(5);

        assertThat(scrape()).contains("meshcni_attachments 5.0").contains("meshcni_pods_known 17.0");
    }

    @Test
    void anotherPathIsNotFoundAndAnotherMethodNotAllowed() throws Exception {
        try (MetricsServer server = MetricsServer.start(0, metrics)) {
            assertThat(get(server.port(), "/metrics/x").statusCode()).isEqualTo(404);
            assertThat(get(server.port(), "/").body()).contains("<a href=\"/metrics\">/metrics</a>");
            HttpRequest post = request(server.port(), "/metrics")
                    .POST(HttpRequest.BodyPublishers.ofString("x"))
                    .build();
            assertThat(send(post).statusCode()).isEqualTo(405);
        }
    }

    @Test
    void aPortInUseIsAnErrorThatNamesOptionAndRemedy() {
        try (MetricsServer first = MetricsServer.start(0, metrics)) {
            assertThatThrownBy(
                            () -> HealthServer.start(first.port(), Optional::empty, AgentMetricsTest::status, _ -> {}))
                    .isInstanceOf(PortUnavailableException.class)
                    .hasMessageContaining("--health-port")
                    .hasMessageContaining(String.valueOf(first.port()))
                    .hasMessageContaining("0 to disable it");
        }
    }

    @Test
    void readinessSaysWhatIsMissing() throws Exception {
        AtomicReference<Optional<String>> missing = new AtomicReference<>(Optional.of("initial list in progress"));
        try (HealthServer server = HealthServer.start(0, missing::get, AgentMetricsTest::status, _ -> {})) {
            HttpResponse<String> before = get(server.port(), "/readyz");
            assertThat(before.statusCode()).isEqualTo(503);
            assertThat(before.body()).contains("initial list in progress");
            assertThat(get(server.port(), "/healthz").statusCode()).isEqualTo(200);

            missing.set(Optional.empty());

            assertThat(get(server.port(), "/readyz").statusCode()).isEqualTo(200);
        }
    }

    private static AgentStatus status() {
        return new AgentStatus("0.1.0", Optional.empty(), "iptables-nft 1.8.9", 3, Optional.empty(), List.of());
    }

    private void answer(String verb, Answer.Outcome outcome, String cause, Answer.Effect effect) {
        AgentProtocol.Reply reply = new AgentProtocol.Reply(0, new byte[0]);
        counting((_, _) -> new Answer(reply, verb, "shop/web", outcome, "words", cause, effect))
                .handle(CALL, Duration.ofSeconds(1));
    }

    private static Answer answer(Answer.Outcome outcome) {
        return Answer.of(new AgentProtocol.Reply(0, new byte[0]), "ADD", "shop/web", outcome, "words");
    }

    private String scrape() {
        try (MetricsServer server = MetricsServer.start(0, metrics)) {
            HttpResponse<String> response = get(server.port(), "/metrics");
            assertThat(response.headers().firstValue("Content-Type").orElse("")).startsWith("text/plain");
            return response.body();
        }
    }

    private static HttpResponse<String> get(int port, String path) {
        return send(request(port, path).GET().build());
    }

    private static HttpRequest.Builder request(int port, String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
    }

    private static HttpResponse<String> send(HttpRequest request) {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private CallHandler counting(CallHandler handler) {
        return new CountedCalls(handler, metrics);
    }
}

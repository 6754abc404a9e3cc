/** An HTTP endpoint for probes and metrics, of which everything that a peer can have is bounded. */
module dev.meshcni.http {
    requires org.slf4j;

    exports dev.meshcni.http;
}

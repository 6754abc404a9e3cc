// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.encoder.EncoderBase;

/** Gives another encoder events that hold plain texts only. */
final class PlainEncoder extends EncoderBase<ILoggingEvent> {
    private final Encoder<ILoggingEvent> form;

    PlainEncoder(Encoder<ILoggingEvent> form) {
        this.form = form;
    }

    @Override
    public void start() {
        form.start();
        super.start();
    }

    @Override
    public void stop() {
        super.stop();
        form.stop();
    }

    @Override
    public byte[] headerBytes() {
        return form.headerBytes();
    }

    @Override
    public byte[] encode(ILoggingEvent event) {
        return form.encode(new PlainEvent(event));
    }

    @Override
    public byte[] footerBytes() {
        return form.footerBytes();
    }
}

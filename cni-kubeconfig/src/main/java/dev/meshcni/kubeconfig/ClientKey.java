// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import dev.meshcni.config.DaemonException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Map;

/**
 * The private key of a client certificate, in any form that kubectl takes: PKCS#8 (RFC 5208), PKCS#1 for RSA (RFC 8017)
 * and SEC 1 for elliptic curves (RFC 5915). The certificate says what kind of key it is.
 */
final class ClientKey {
    private static final String LABEL = "PRIVATE KEY";
    private static final byte[] PROBE = {1};
    private static final Map<String, String> SIGNATURES =
            Map.of("RSA", "SHA256withRSA", "EC", "SHA256withECDSA", "EdDSA", "EdDSA", "DSA", "SHA256withDSA");

    private ClientKey() {}

    /**
     * Reads a key.
     *
     * @param certified the public key in the certificate
     * @throws DaemonException if there is none, or it is encrypted, or belongs to another certificate
     */
    static PrivateKey read(Section.Material material, PublicKey certified) {
        Pem block = Pem.blocks(material).stream()
                .filter(found -> found.label().equals(LABEL) || found.label().endsWith(" " + LABEL))
                .findFirst()
                .orElseThrow(() -> new DaemonException(material.place() + " has no private key in PEM form"));
        if (block.encrypted() || block.label().equals("ENCRYPTED " + LABEL)) {
            throw new DaemonException(
                    material.place() + " is encrypted, which kubeconfigs have no passphrase for; decrypt"
                            + " it: openssl pkey -in KEY -out PLAIN-KEY");
        }
        try {
            PrivateKey key = KeyFactory.getInstance(certified.getAlgorithm())
                    .generatePrivate(new PKCS8EncodedKeySpec(pkcs8(block.der(), certified)));
            if (fits(key, certified)) {
                return key;
            }
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new DaemonException(
                    material.place() + " is not a usable " + certified.getAlgorithm() + " key, as its certificate has",
                    e);
        }
        throw new DaemonException(material.place() + " is the key of another certificate");
    }

    private static byte[] pkcs8(byte[] der, PublicKey certified) {
        // In PKCS#8 the version is followed by the algorithm, elsewhere by the key itself.
        return Byte.toUnsignedInt(Der.member(der, 1)[0]) == Der.SEQUENCE
                ? der
                : Der.pkcs8(Der.member(certified.getEncoded(), 0), der);
    }

    private static boolean fits(PrivateKey key, PublicKey certified) throws GeneralSecurityException {
        String algorithm = SIGNATURES.get(certified.getAlgorithm());
        if (algorithm == null) {
            return true;
        }
        Signature signature = Signature.getInstance(algorithm);
        signature.initSign(key);
        signature.update(PROBE);
        byte[] signed = signature.sign();
        signature.initVerify(certified);
        signature.update(PROBE);
        return signature.verify(signed);
    }
}

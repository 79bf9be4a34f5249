import { join } from 'node:path';
/** Names the owner's URL of a service's database. */
type OwnerSetting = `${'ORDER_API' | 'INVENTORY' | 'PAYMENT' | 'LOGISTICS' | 'EMAIL' | 'SANDBOX'}_OWNER_DATABASE_URL`;

interface Setup {
  service: string;
  /** The program: one service's code is never imported by another, so it is run as it is. */
  file: string;
  owner: OwnerSetting;
}

const apps = join(__dirname, '..', '..');
const of = (service: string, folder: string, owner: OwnerSetting): Setup => ({
  service,
  file: join(apps, folder, 'dist', 'setup.js'),
  owner,
});

export const setups: readonly Setup[] = [
  of('order-api', 'order-api', 'ORDER_API_OWNER_DATABASE_URL'),
  of('inventory', 'inventory-service', 'INVENTORY_OWNER_DATABASE_URL'),
  of('payment', 'payment-service', 'PAYMENT_OWNER_DATABASE_URL'),
  of('logistics', 'logistics-service', 'LOGISTICS_OWNER_DATABASE_URL'),
  of('email', 'email-service', 'EMAIL_OWNER_DATABASE_URL'),
  of('sandbox', 'sandbox', 'SANDBOX_OWNER_DATABASE_URL'),
];
